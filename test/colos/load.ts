import { setTimeout as sleep } from "node:timers/promises";
import { accountName, groupName } from "../../clients/node/index.js";
import type { Receipt } from "../../src/gen/muster/v1/receipt_pb.js";
import { type Asked, account } from "../e2e/daemon.js";
import { answered } from "./asks.js";

/** Callers that never rest, and what they were told. */
export interface Load {
  /** What was answered since it was last asked, in words. */
  report(): string;
  /** Every scale event's receipt so far, by its request id. */
  readonly receipts: ReadonlyMap<string, Receipt>;
  /** Lets the asks under way end. */
  stop(): Promise<void>;
}

export interface LoadParts {
  /** Whom writers ask, one writer each: a write is asked again until it is answered. */
  readonly writers: Readonly<Record<string, Asked>>;
  /** Whom readers ask, one reader each: a read that fails is counted. */
  readonly readers: Readonly<Record<string, Asked>>;
  readonly groups: readonly string[];
  readonly targetMax: number;
  /** In [0, 1). */
  readonly random: () => number;
}

/** Nodes and servers of two colos share two cores: more would drill the machine, not Muster. */
const writeEveryMs = 3_000;
const readEveryMs = 1_000;
/** Reads of a group for each read of them all. */
const getsPerList = 8;
const readMsMax = 2_000;

/** Of one caller since the last report. */
interface Tally {
  good: number;
  failed: number;
  msMax: number;
}

export function startLoad(parts: LoadParts): Load {
  const { writers, readers, groups, targetMax, random } = parts;
  const receipts = new Map<string, Receipt>();
  const tallies = new Map<string, Tally>();
  let isStopped = false;
  let writes = 0;
  const pick = () => groups[Math.floor(random() * groups.length)]!;
  const tallyOf = (caller: string) => {
    const tally = tallies.get(caller) ?? { good: 0, failed: 0, msMax: 0 };
    tallies.set(caller, tally);
    return tally;
  };
  const count = (caller: string, startMs: number, failed: number) => {
    const tally = tallyOf(caller);
    tally.good += 1;
    tally.failed += failed;
    tally.msMax = Math.max(tally.msMax, Math.round(performance.now() - startMs));
  };

  const write = async (caller: string, asked: Asked) => {
    for (; !isStopped; await sleep(writeEveryMs)) {
      const requestId = `load-${writes++}`;
      const target = Math.floor(random() * (targetMax + 1));
      const startMs = performance.now();
      const refusals: string[] = [];
      receipts.set(
        requestId,
        await answered(asked, { target, requestId, group: pick() }, refusals),
      );
      count(caller, startMs, refusals.length);
    }
  };
  const read = async (caller: string, { client }: Asked) => {
    const one = () =>
      client.groups.getGroup({ name: groupName(account, pick()) }, { timeoutMs: readMsMax });
    const all = () =>
      client.groups.listGroups({ parent: accountName(account) }, { timeoutMs: readMsMax });
    for (let reads = 1; !isStopped; reads++, await sleep(readEveryMs)) {
      const startMs = performance.now();
      try {
        await (reads % getsPerList === 0 ? all() : one());
        count(caller, startMs, 0);
      } catch {
        tallyOf(caller).failed += 1;
      }
    }
  };
  const work = [
    ...Object.entries(writers).map(([name, asked]) => write(`writes by ${name}`, asked)),
    ...Object.entries(readers).map(([name, asked]) => read(`reads by ${name}`, asked)),
  ];
  for (const one of work) one.catch(() => {}); // Told by `stop`.
  return {
    receipts,
    report() {
      const told = [...tallies].map(
        ([caller, { good, failed, msMax }]) =>
          `${caller}: ${good} answered, ${failed} failed, slowest ${msMax} ms`,
      );
      tallies.clear();
      return told.join("; ");
    },
    async stop() {
      isStopped = true;
      await Promise.all(work);
    },
  };
}
