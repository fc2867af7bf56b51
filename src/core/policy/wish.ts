import type { PolicyAction } from "../model/policy.js";
import { fixedWish, type Wish, type WishInput } from "./fixed-wish.js";
import { stepWish } from "./steps.js";
import { trackingWish } from "./tracking.js";

/** What a policy's action makes of a base (B2.1); one that needs no value ignores the marks. */
export function wishOf(action: PolicyAction, input: WishInput): Wish {
  switch (action.kind) {
    case "steps":
      return stepWish(action, input);
    case "tracking":
      return trackingWish(action, input);
    default:
      return fixedWish(action, input.from);
  }
}
