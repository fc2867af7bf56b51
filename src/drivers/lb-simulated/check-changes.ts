import { OutsideFault } from "../../core/errors/outside-fault.js";
import type { MemberChange } from "../../core/ports/load-balancer.js";

const weightMax = 256;

/** A batch with one malformed change is refused as a whole. @throws OutsideFault `badRequest` */
export function checkChanges(changes: readonly MemberChange[]): void {
  for (const change of changes) {
    const { host, port } = change;
    const named = host !== "" && Number.isInteger(port) && port >= 1 && port <= 65_535;
    if (!named) throw new OutsideFault("badRequest", `"${host}:${port}" is not an address`);
    if (change.kind === "remove") continue;
    const { weight } = change;
    if (!Number.isInteger(weight) || weight < 0 || weight > weightMax)
      throw new OutsideFault("badRequest", `weight ${weight} is not between 0 and ${weightMax}`);
  }
}
