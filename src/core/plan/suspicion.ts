import { type Cause, cause } from "../model/cause.js";
import type { ServerRow } from "../model/server.js";
import type { Sheet } from "./sheet.js";

/**
 * Why others than the cloud suspect a server in service: monitors outside, and load balancers where
 * the group opts in (B5.6, B6.1). Nobody is suspected within the boot grace.
 */
export function createSuspicion(sheet: Sheet): (row: ServerRow) => Cause | undefined {
  const { nowMs, group } = sheet.seen;
  const { useLoadBalancer = false, bootGraceMs = 0 } = group.health ?? {};
  const unhealthy: ReadonlySet<string> = useLoadBalancer ? unhealthyIn(sheet) : new Set();

  const becauseOf = (row: ServerRow): string | undefined => {
    const { reported } = row;
    if (reported && nowMs < reported.untilMs)
      return `${reported.principal} reports it unhealthy: ${reported.reason}`;
    if (unhealthy.size === 0) return undefined;
    const found = row.memberships.find(
      (one) =>
        one.state === "member" && unhealthy.has(`${one.loadBalancer}|${one.host}:${one.port}`),
    );
    return found && `load balancer ${found.loadBalancer} has it unhealthy`;
  };
  return (row) => {
    if (row.state !== "inService") return undefined;
    if (row.reported === undefined && unhealthy.size === 0) return undefined;
    const graceEndsMs = (row.inServiceAtMs ?? row.sinceMs) + bootGraceMs;
    const because = becauseOf(row);
    if (because === undefined) return undefined;
    if (nowMs >= graceEndsMs) return cause("B9.2", "SUSPECTED", { server: row.id, because });
    sheet.wakeAt(graceEndsMs);
    return undefined;
  };
}

/** What load balancers have unhealthy, by `balancer|host:port`. */
export function unhealthyIn({ seen }: Pick<Sheet, "seen">): ReadonlySet<string> {
  const unhealthy = new Set<string>();
  for (const [id, view] of seen.balancers)
    for (const one of view.kind === "listed" ? view.members : [])
      if (one.health === "unhealthy") unhealthy.add(`${id}|${one.host}:${one.port}`);
  return unhealthy;
}
