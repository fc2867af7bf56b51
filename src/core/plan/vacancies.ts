import { makerOf } from "../model/pause.js";
import type { PlacementDoc } from "../model/placement.js";
import type { ServerRow } from "../model/server.js";
import { isCounted } from "./lifecycle.js";
import type { Sheet } from "./sheet.js";

/**
 * Places of servers that had served and are lost, as long as nobody has taken them: what brings
 * others there is replacement, all else that is missing answers the target (B8.1).
 */
export function vacantNow({ seen, row, out }: Sheet, missing: number): number {
  const { vacant = 0 } = seen.doc;
  const lost =
    out.changed.size === 0 ? 0 : seen.rows.filter((one) => left(one, row(one.id))).length;
  return Math.max(0, Math.min(missing, vacant + lost));
}

function left(before: ServerRow, now: ServerRow): boolean {
  if (before === now || !isCounted(before) || isCounted(now)) return false;
  return now.leaving?.code !== "SURPLUS" && makerOf(before) === "replacement";
}

/** The document with so many vacant places; a placement that lacks none says nothing of it. */
export function withVacant(doc: PlacementDoc, vacant: number): PlacementDoc {
  if (vacant === (doc.vacant ?? 0)) return doc;
  const { vacant: _before, ...rest } = doc;
  return vacant === 0 ? rest : { ...rest, vacant };
}

/** The document once a server is gone from it unasked, or to be replaced by a person's word. */
export function afterLoss(doc: PlacementDoc, row: ServerRow): PlacementDoc {
  return makerOf(row) === "replacement" ? withVacant(doc, (doc.vacant ?? 0) + 1) : doc;
}
