import type { ServerId } from "../model/ids.js";
import type { ServerRow } from "../model/server.js";
import { ages, type CommitSeen, isBound } from "./ledger.js";
import { type Violation, violation } from "./violation.js";

/**
 * I11, and what of I1 and I5 shows at a commit: rows begin as intentions, only grow older, stay
 * bound to the one server of the cloud, and never leave the ledger unsaid.
 */
export function checkLives(seen: CommitSeen): readonly Violation[] {
  const { before, after, touched } = seen;
  const found: Violation[] = [];
  let bound = 0;
  for (const id of touched) {
    const old = before.servers.get(id);
    const now = after.servers.get(id);
    if (now && !old) found.push(...checkBegin(seen, now));
    if (now && old && now !== old) found.push(...checkStep(old, now));
    if (old && !now) found.push(...checkEnd(seen, old));
    if (now && isBound(now) && !(old && isBound(old))) bound++;
  }
  if (bound > 0) found.push(...checkSingle(seen));
  if (before.doc && !after.doc && after.servers.size > 0) {
    const facts = { servers: after.servers.size };
    found.push(violation("I1", "B8.4", `${before.doc.groupUid}/ledger`, facts));
  }
  return found;
}

function checkBegin(seen: CommitSeen, row: ServerRow): Violation[] {
  const { id, state, attempt } = row;
  const facts = { server: id, state };
  if (state !== "intended") {
    // Adopted, or rebuilt from its tags: never without saying so.
    return says(seen, id) ? [] : [violation("I11", "M3.2", `${id}/begins`, facts)];
  }
  const ours = seen.attemptId === undefined || attempt.id === seen.attemptId;
  if (isBound(row) || !ours) return [violation("I11", "B4.5", `${id}/begins`, facts)];
  return [];
}

function checkStep(old: ServerRow, now: ServerRow): Violation[] {
  const { id } = now;
  const facts = { server: id, from: old.state, to: now.state };
  const found: Violation[] = [];
  const oldAge = old.state === "gone" ? Number.POSITIVE_INFINITY : ages[old.state];
  const age = now.state === "gone" ? Number.POSITIVE_INFINITY : ages[now.state];
  const isRecalled = old.state === "standingBy" && now.state === "launching";
  if (age < oldAge && !isRecalled)
    found.push(violation("I11", "M3.2", `${id}/${old.state}>${now.state}`, facts));
  if (isBound(old) && old.cloudId !== now.cloudId) {
    const cloudIds = { cloudId: old.cloudId ?? "", otherCloudId: now.cloudId ?? "" };
    found.push(violation("I11", "B9.5", `${id}/bound anew`, { ...facts, ...cloudIds }));
  }
  if (age >= ages.building && !isBound(now))
    found.push(violation("I11", "M3.2", `${id}/unbound`, facts));
  if (now.attempt.id !== old.attempt.id)
    found.push(violation("I5", "B4.5", `${id}/attempt`, facts));
  return found;
}

/** I1: a server that the cloud may have leaves the ledger only at its end, and never unsaid. */
function checkEnd(seen: CommitSeen, old: ServerRow): Violation[] {
  const { id, state } = old;
  const facts = { server: id, state, cloudId: old.cloudId ?? "" };
  // Given up for days: nothing showed up, and its going is no news.
  if (state === "abandoned" && !isBound(old)) return [];
  const said = seen.events.some(({ server }) => server === id);
  const released = seen.events.some((one) => one.server === id && !endTypes.has(one.type));
  const leaving = state === "deleting" || state === "releasing";
  const ended = !isBound(old) || leaving || released;
  const ours = seen.attemptId === undefined || old.attempt.id === seen.attemptId;
  if (!said || !ended || (state === "intended" && !ours))
    return [violation("I1", "M6.1", `${id}/ends`, facts)];
  return [];
}

/** What a delete says at its end. Other words say that the server goes on without us. */
const endTypes: ReadonlySet<string> = new Set(["server.gone", "server.failed", "server.withdrawn"]);

/** I5: no server of the cloud is two rows'. */
function checkSingle({ before, after, touched }: CommitSeen): Violation[] {
  const fresh = new Map<string, ServerId>();
  const found: Violation[] = [];
  for (const id of touched) {
    const cloudId = after.servers.get(id)?.cloudId;
    if (cloudId === undefined || before.servers.get(id)?.cloudId === cloudId) continue;
    const other = fresh.get(cloudId);
    if (other) found.push(twice(cloudId, id, other));
    fresh.set(cloudId, id);
  }
  for (const row of after.servers.values()) {
    const other = row.cloudId === undefined ? undefined : fresh.get(row.cloudId);
    if (other !== undefined && other !== row.id) found.push(twice(row.cloudId!, row.id, other));
  }
  return found.slice(0, 1);
}

function twice(cloudId: string, server: ServerId, other: ServerId): Violation {
  return violation("I5", "B4.5", cloudId, { cloudId, server, other });
}

function says({ events }: CommitSeen, id: ServerId): boolean {
  return events.some(({ server }) => server === id);
}
