import type { AddressInfo } from "node:net";
import { OutsideFault } from "../../core/errors/outside-fault.js";
import type { Member } from "../../core/model/server.js";
import type { DriverHost } from "../../core/ports/driver.js";
import type { MemberChange } from "../../core/ports/load-balancer.js";
import { createChecker } from "./checker.js";
import { createFront } from "./front.js";
import { applyChanges } from "./member-changes.js";
import { createMemberFile, type StoredMember } from "./member-file.js";
import type { BalancerOptions } from "./options.js";
import { createRoster } from "./roster.js";

/** One load balancer of the proxy. */
export interface Balancer {
  /** Restores the members, then takes connections. */
  open(): Promise<void>;
  address(): AddressInfo;
  members(): readonly Member[];
  /** Durable when it returns; all changes or none. */
  change(changes: readonly MemberChange[], signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

export interface BalancerParts {
  readonly id: string;
  readonly options: BalancerOptions;
  /** What the health of an unchecked member is called. */
  readonly unknownIs: Member["health"];
  readonly host: DriverHost;
}

export function createBalancer({ id, options, unknownIs, host }: BalancerParts): Balancer {
  const { clock, ids, log, dataDir } = host;
  const check = options.healthCheck;
  const checker = check && createChecker(check, clock, ids);
  const roster = createRoster(check && checker && { checker, thresholds: check });
  const front = createFront({ options, roster, clock, log });
  const file = createMemberFile(`${dataDir}/${id}.members.json`);
  let stored: readonly StoredMember[] = [];
  /** Changes of one load balancer follow each other, whoever calls. */
  let last: Promise<void> = Promise.resolve();

  const restore = async () => {
    try {
      return await file.read();
    } catch (cause) {
      // The members are known to the ledger, which puts them again; not to start would help nobody.
      const aside = await file.setAside();
      log.error({ loadBalancer: id, aside, error: String(cause) }, "member file cannot be read");
      return [];
    }
  };

  const change = async (changes: readonly MemberChange[], signal: AbortSignal) => {
    if (signal.aborted) throw new OutsideFault("temporary", "the call was aborted in time");
    const next = applyChanges(stored, changes);
    if (next === stored) return;
    await file.write(next).catch((cause: unknown) => {
      const message = `members of ${id} cannot be stored: ${String(cause)}`;
      throw new OutsideFault("temporary", message, { cause });
    });
    stored = next;
    roster.update(next, false);
  };

  return {
    async open() {
      stored = await restore();
      roster.update(stored, true);
      await front.listen();
    },
    address: front.address,
    members: () => roster.list(check ? "unknown" : unknownIs),
    change(changes, signal) {
      const turn = last.then(() => change(changes, signal));
      last = turn.catch(() => {});
      return turn;
    },
    async close() {
      await last;
      checker?.close();
      await front.close();
    },
  };
}
