import type { MusterEvent } from "../../core/model/event.js";
import { sayCause } from "../../core/model/say-cause.js";

/** An event as receivers of notifications get it: JSON, with names as the API has them. */
export function bodyOf(event: MusterEvent): string {
  const { id, type, atMs, account, group, colo, sequence, message, facts } = event;
  const { server, parent, principal, causes = [] } = event;
  const nameOf = (other: string) => `accounts/${account}/events/${other}`;
  const groupName = `accounts/${account}/groups/${group}`;
  return JSON.stringify({
    type,
    timestamp: new Date(atMs).toISOString(),
    data: {
      ...{ name: nameOf(id), group: groupName, colo, sequence, message, facts },
      reasons: causes.map(sayCause),
      ...(server === undefined ? {} : { server: `${groupName}/servers/${server}` }),
      ...(parent === undefined ? {} : { parent: nameOf(parent) }),
      ...(principal === undefined ? {} : { principal }),
    },
  });
}
