import { OutsideFault } from "../errors/outside-fault.js";
import type { Cause } from "../model/cause.js";

/** A call that was for certain never sent, because the admission let none begin in time (B9.4). */
export class NotAsked extends OutsideFault {
  readonly why: Cause;

  constructor(message: string, why: Cause) {
    super("throttled", message);
    this.name = "NotAsked";
    this.why = why;
  }
}
