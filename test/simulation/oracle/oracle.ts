import { checkCommit } from "../../../src/core/invariants/check-commit.js";
import { type Violation, violation } from "../../../src/core/invariants/violation.js";
import type { Receipt } from "../../../src/core/model/scale-event.js";
import type { Cluster } from "../cluster.js";
import { createCallChecks } from "./check-calls.js";
import { createEffectChecks } from "./check-effects.js";
import { createReceiptChecks } from "./check-receipts.js";
import { createRoomChecks } from "./check-room.js";
import { createScheduleChecks } from "./check-schedules.js";
import { createSickChecks } from "./check-sick.js";
import { createSumChecks } from "./check-sums.js";
import { createWaitChecks } from "./check-waits.js";
import { type Finding, type OracleOptions, sayFinding } from "./finding.js";
import { createLedgers, type Ledgers } from "./ledgers.js";
import { unsettled } from "./settled.js";

/**
 * Holds a world to its promises (docs/invariants.md) at every commit, call and effect, by the truth
 * of store and clouds and not by what any node believes.
 */
export interface Oracle {
  readonly findings: readonly Finding[];
  readonly ledgers: Ledgers;
  /** @throws Error that tells what was broken. */
  assertKept(): void;
  /** What has yet to converge, in words: nothing when all is as it was asked for. */
  unsettled(): readonly string[];
  /** Occurrences of schedules that are left, in words (B7.2). */
  overdue(): readonly string[];
  note(finding: Omit<Finding, "atMs">): void;
  /** A caller was given a receipt, for the first time or again (I6). */
  answered(receipt: Receipt): void;
  /** The colo that decided it. */
  decidedIn(event: string): string | undefined;
  stop(): void;
}

/** More only repeat what the first one did. */
const findingsMax = 20;

/** Attaches an oracle to a world, from before its first group on. */
export function watch(world: { readonly cluster: Cluster }, options: OracleOptions = {}): Oracle {
  const { cluster } = world;
  const { clock, taps } = cluster;
  const ledgers = createLedgers();
  const findings: Finding[] = [];

  const note: Oracle["note"] = (found) => {
    if (findings.length >= findingsMax || findings.some((one) => one.key === found.key)) return;
    const finding = { ...found, atMs: clock.nowMs() };
    findings.push(finding);
    options.onFinding?.(finding);
  };
  const noteAll = (found: readonly Violation[]) => {
    for (const { invariant: id, ...rest } of found) note({ id, ...rest });
  };
  const calls = createCallChecks({ cluster, ledgers, options });
  const effects = createEffectChecks({ cluster, ledgers });
  const receipts = createReceiptChecks();
  const waits = createWaitChecks({ cluster, ledgers, options });
  const sick = createSickChecks(clock);
  const schedules = createScheduleChecks();
  const sums = createSumChecks(ledgers);
  const room = createRoomChecks({ cluster, ledgers });
  const eventIds = new Set<string>();

  const stop = taps.listen({
    committed(commit) {
      const seen = ledgers.apply(commit, clock.nowMs());
      for (const { id, type, message } of commit.events) {
        // The monitor of production must find nothing either: it would stop a group for it.
        if (type === "invariant.violated") {
          const facts = { monitor: message };
          note({ id: "I1", rule: "M6.1", key: `${id}/monitor`, facts });
        }
        if (eventIds.has(id)) noteAll([violation("I7", "M3.1", `${id}/twice`, { event: id })]);
        eventIds.add(id);
      }
      receipts.committed(commit.events);
      noteAll(schedules.committed(commit));
      noteAll(waits.look());
      if (!seen) return;
      noteAll(checkCommit(seen));
      noteAll(effects.committed(seen));
      noteAll(sums.committed(seen));
      noteAll(room.committed(seen));
    },
    called(call) {
      noteAll(calls.called(call));
      noteAll(sick.called(call));
      noteAll(waits.look(call.node));
    },
    answered: (call, fault) => sick.answered(call, fault),
    done: (colo, effect) => noteAll(effects.done(colo, effect)),
  });

  return {
    ...{ findings, ledgers, note, stop, decidedIn: receipts.decidedIn },
    answered: (receipt) => noteAll(receipts.answered(receipt)),
    assertKept() {
      if (findings.length > 0) throw new Error(findings.map(sayFinding).join("\n"));
    },
    overdue: () =>
      schedules.overdue(clock.nowMs(), (name) => ledgers.groups.get(name)?.deleting === false),
    unsettled: () => unsettled(cluster, ledgers),
  };
}
