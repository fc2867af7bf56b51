import type { PlacementDoc } from "./placement.js";

/**
 * How many servers a placement is to have: its target, and what it carries for other colos as far
 * as its own max leaves room (B11.4).
 */
export function serversWanted(
  doc: Pick<PlacementDoc, "deleting" | "target" | "max" | "carried">,
): number {
  if (doc.deleting) return 0;
  const carried = (doc.carried ?? []).reduce((sum, { servers }) => sum + servers, 0);
  return Math.max(doc.target, Math.min(doc.target + carried, doc.max));
}
