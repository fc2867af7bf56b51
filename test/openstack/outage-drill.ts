import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import type { GroupKey } from "../../src/core/model/ids.js";
import { sayCause } from "../../src/core/model/say-cause.js";
import type { AuditBatch } from "../../src/supervisor/api.js";
import type { Bed } from "./bed.js";
import type { Fired, RulesOf } from "./bed-facts.js";
import { enough, first, type Party } from "./outage-party.js";
import type { NovaServer } from "./servers.js";

export const illMs = 40_000;
const alarmEveryMs = 5_000;
const lookEveryMs = 1_000;
const readyMsMax = 180_000;
/** A create whose answer was lost is given up only when Nova cannot be at work on it any more. */
const recoveryMsMax = 240_000;

const ours = { agent: "^muster \\(outage-" };
const creates = { ...ours, method: "POST", path: "/servers$" };
const reads = { ...ours, method: "GET" };
const message = "Timeout waiting for a database connection";
const failed = { body: { computeFault: { code: 500, message } } };
const throttled = {
  status: 429,
  headers: { "Retry-After": "2" },
  body: { overLimit: { code: 429, message: "This request was rate-limited." } },
};

/** Nearly all fails, sooner or later, or is throttled; what little is done takes seconds. */
const illness: readonly RulesOf["nova"][] = [
  { match: creates, share: 0.7, delaySeconds: 2, status: 503, ...failed },
  { match: creates, share: 0.8, ...throttled },
  { match: reads, share: 0.9, delaySeconds: 1, status: 500, ...failed },
  { match: reads, share: 0.7, ...throttled },
  { match: ours, delaySeconds: 6 },
];
/** All is answered as ever, and noted. */
const health: readonly RulesOf["nova"][] = [{ match: ours }];

/** What became of one Muster and its groups. */
export interface DrillRun {
  /** What reached Nova's API while it was ill, and from then on. */
  readonly whileIll: readonly Call[];
  readonly afterwards: readonly Call[];
  /** What the admission let through when the illness ended. */
  readonly phase: string;
  /** Every reason that its groups told for waiting while Nova was ill. */
  readonly said: ReadonlySet<string>;
  /** Groups that told none when the illness ended. */
  readonly silent: readonly string[];
  /** In the end. */
  readonly targets: readonly number[];
  /** From the end of the illness, by group that had enough when all braked ones had. */
  readonly reachedMs: readonly number[];
  /** As Nova lists them: before the illness, and in the end. */
  readonly before: readonly NovaServer[];
  readonly after: readonly NovaServer[];
  readonly audit: AuditBatch;
}

export interface Call {
  /** Since Nova fell ill, or was healed. */
  readonly atMs: number;
  readonly method: string;
  /** Of the rules: those of the illness but the last answer with a fault. */
  readonly isRefused: boolean;
}

/** Both live through the same illness; the drill ends when the braked one is well. */
export async function runDrill(
  bed: Bed,
  { braked, unbraked }: { readonly braked: Party; readonly unbraked: Party },
): Promise<{ readonly braked: DrillRun; readonly unbraked: DrillRun }> {
  const watches = [watch(braked), watch(unbraked)] as const;
  await Promise.all([braked.createGroups(), unbraked.createGroups()]);
  await until("all groups are ready", readyMsMax, async () => {
    for (const one of watches) if (!(await one.haveAll(first))) return false;
    return true;
  });
  for (const one of watches) await one.begin();

  await bed.faults.set("nova", illness);
  const illAtMs = Date.now();
  for (let alarmAtMs = 0; Date.now() < illAtMs + illMs; await sleep(lookEveryMs)) {
    const isDue = Date.now() >= alarmAtMs + alarmEveryMs;
    if (isDue) alarmAtMs = Date.now();
    for (const one of watches) await one.lookWhileIll(isDue);
  }
  for (const one of watches) await one.endIllness();
  const whileIll = await bed.faults.fired("nova");
  await bed.faults.set("nova", health);
  const wellAtMs = Date.now();
  await until("all braked groups have enough", recoveryMsMax, async () => {
    for (const one of watches) await one.lookAfterwards(wellAtMs);
    return await watches[0].haveAll(enough);
  });
  const afterwards = await bed.faults.fired("nova");
  const [runOfBraked, runOfUnbraked] = await Promise.all(
    watches.map(async (one) => ({
      ...(await one.end()),
      whileIll: callsOf(one.party, whileIll, { sinceMs: illAtMs, answers: illness.length - 1 }),
      afterwards: callsOf(one.party, afterwards, { sinceMs: wellAtMs, answers: 0 }),
    })),
  );
  return { braked: runOfBraked!, unbraked: runOfUnbraked! };
}

function watch(party: Party) {
  const { keys } = party;
  const said = new Set<string>();
  const reached = new Map<GroupKey, number>();
  let before: readonly NovaServer[] = [];
  let silent: readonly string[] = [];
  let phase = "";
  const reasonsOf = async (key: GroupKey) => {
    const { conditions } = await party.standing(key);
    return conditions.filter((one) => one.type === "waiting").flatMap(({ causes }) => causes);
  };
  return {
    party,
    async haveAll(count: number) {
      const all = await Promise.all(keys.map((key) => party.standing(key)));
      return all.every(({ inService, pending }) => inService === count && pending === 0);
    },
    async begin() {
      before = await party.servers();
    },
    async lookWhileIll(alarms: boolean) {
      for (const key of keys) {
        if (alarms) await party.report(key, "critical");
        for (const reason of await reasonsOf(key)) said.add(sayCause(reason));
      }
    },
    async endIllness() {
      phase = await party.phase();
      const reasons = await Promise.all(keys.map(reasonsOf));
      silent = keys.map((key) => key.group).filter((_, index) => reasons[index]!.length === 0);
    },
    async lookAfterwards(wellAtMs: number) {
      for (const key of keys) {
        if (reached.has(key) || (await party.standing(key)).inService < enough) continue;
        await party.report(key, "ok");
        reached.set(key, Date.now() - wellAtMs);
      }
    },
    async end(): Promise<Omit<DrillRun, "whileIll" | "afterwards">> {
      const standings = await Promise.all(keys.map((key) => party.standing(key)));
      return {
        ...{ said, silent, phase, before },
        targets: standings.map(({ target }) => target),
        reachedMs: [...reached.values()],
        after: await party.servers(),
        audit: await party.audit(),
      };
    },
  };
}

/** @param answers so many rules, the first ones, answer with a fault. */
function callsOf(
  { name }: Party,
  fired: readonly Fired[],
  { sinceMs, answers }: { readonly sinceMs: number; readonly answers: number },
): readonly Call[] {
  const own = fired.filter((one) => String(one["agent"]).includes(`(${name}-`));
  return own.map(({ atMs, rule, method }) => ({
    atMs: atMs - sinceMs,
    method: String(method),
    isRefused: rule < answers,
  }));
}

async function until(what: string, msMax: number, isSo: () => Promise<boolean>): Promise<void> {
  const endMs = performance.now() + msMax;
  while (!(await isSo())) {
    assert.ok(performance.now() < endMs, `not in time: ${what}`);
    await sleep(lookEveryMs);
  }
}
