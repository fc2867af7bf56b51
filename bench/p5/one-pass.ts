import type { Observation } from "../../src/core/model/observation.js";

/** What no planner can do without: matching every row with its server and its members, once. */
export function onePass(seen: Observation): number {
  if (seen.cloud.kind !== "listed") return 0;
  const servers = new Map(seen.cloud.servers.map((server) => [server.id, server]));
  const members = new Map<string, boolean>();
  for (const [id, view] of seen.balancers)
    if (view.kind === "listed")
      for (const { host, port, health } of view.members)
        members.set(`${id}|${host}:${port}`, health === "healthy");
  let sound = 0;
  for (const row of seen.rows) {
    const server = row.cloudId === undefined ? undefined : servers.get(row.cloudId);
    const isMember = row.memberships.every((one) =>
      members.get(`${one.loadBalancer}|${one.host}:${one.port}`),
    );
    if (row.state === "inService" && server?.status === row.cloudStatus && isMember) sound++;
  }
  return sound;
}
