import { cause } from "../../model/cause.js";
import type { CloudServer, ServerRow } from "../../model/server.js";
import { abandonedKeptMs } from "../judge.js";
import type { Findings } from "./findings.js";

/** An intention whose create call has no answer yet, with its server where the cloud has one. */
export function auditIntention(
  { add, sight }: Findings,
  row: ServerRow,
  server: CloudServer | undefined,
): void {
  const { nowMs, listingLagMs } = sight;
  const { callDeadlineMs } = row.attempt;
  const at = { server: row.id, sinceMs: row.sinceMs };
  const found = server ? { ...at, cloudId: server.id } : at;
  const lost = cause("B4.5", "ANSWER_LOST", { server: row.id, callDeadlineAtMs: callDeadlineMs });
  switch (row.state) {
    case "intended":
      // Its call may be under way, on whatever node.
      if (nowMs >= callDeadlineMs + listingLagMs)
        add("intentionOpen", lost, server ? "bind" : "lookUp", found);
      return;
    case "unconfirmed": {
      const givenUpAtMs = callDeadlineMs + listingLagMs;
      if (server) add("intentionOpen", lost, "bind", found);
      else if (nowMs >= givenUpAtMs) add("intentionOpen", lost, "lookUp", at);
      else add("intentionOpen", lost, "waitUntil", { ...at, untilMs: givenUpAtMs });
      return;
    }
    case "abandoned": {
      const late = cause("B4.5", "LATE_SURPLUS", { server: row.id });
      if (server) add("intentionOpen", late, "delete", found);
      // Kept that long on purpose, and then forgotten.
      else if (nowMs >= row.sinceMs + abandonedKeptMs)
        add("intentionOpen", cause("B4.5", "ABANDONED", { server: row.id }), "note", at);
      return;
    }
    default:
      return;
  }
}
