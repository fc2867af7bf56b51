import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { groupName } from "../../clients/node/index.js";
import type { SickCloudOptions } from "../../examples/outage/sick-cloud.js";
import type { ColoConfig } from "../../src/config.js";
import type { Second } from "../../src/drivers/cloud-simulated/index.js";
import { AlertState } from "../../src/gen/muster/v1/policy_pb.js";
import { type Daemon, openDaemon } from "../e2e/daemon.js";
import { killMarked, type MarkedProcess } from "../e2e/processes.js";
import { freePort } from "../free-port.js";
import { illness, tenth as plan } from "../simulation/drill/plan.js";
import { recoveryMs } from "../simulation/drill/recovery.js";
import type { Demand } from "../simulation/drill/run.js";
import { type CloudControl, controlOf } from "./cloud-control.js";
import { createGroup, type GroupId, groupIds, report, standings } from "./groups.js";

/** What one run on the real stack has shown. */
export interface OutageRun {
  readonly demand: Demand;
  readonly groups: readonly GroupId[];
  readonly soundGroups: readonly GroupId[];
  readonly blip: { readonly blipStartMs: number; readonly blipEndMs: number };
  readonly seconds: readonly Second[];
  readonly recoveryMs: number;
  /** From their alarm, by group of the other colo. */
  readonly soundMs: readonly number[];
  /** From the end of the blip until every group had all; undefined: not in time. */
  readonly convergedMs: number | undefined;
  readonly windups: readonly string[];
  /** Servers of either cloud that live, as the operating system knows them. */
  readonly running: readonly MarkedProcess[];
  /** Groups that have servers on their way at the end. */
  readonly restless: readonly string[];
}

export const sick = "iad";
export const sound = "dfw";

interface Colo {
  readonly config: ColoConfig;
  readonly control: CloudControl;
}

const cloudPath = fileURLToPath(new URL("../../examples/outage/sick-cloud.js", import.meta.url));
const childPath = fileURLToPath(new URL("./muster-child.js", import.meta.url));
const portsEach = 400;
const createsAtOnce = 10;

/** A whole daemon through an outage of its cloud; the place keeps runs at once apart. */
export async function runOutage(demand: Demand, place: number): Promise<OutageRun> {
  const portFrom = 21_000 + 2 * place * portsEach;
  const colos = {
    [sick]: await coloOf(plan.sickCloud, portFrom),
    [sound]: await coloOf(plan.soundCloud, portFrom + portsEach),
  };
  const configs = Object.fromEntries(Object.entries(colos).map(([id, one]) => [id, one.config]));
  const daemon = await openDaemon(configs, demand === "unbraked" ? { main: childPath } : {});
  try {
    return await through(demand, daemon, colos[sick]!.control);
  } finally {
    await clear(daemon);
  }
}

async function coloOf(capacity: SickCloudOptions["capacity"], from: number): Promise<Colo> {
  const controlPort = await freePort();
  const options: SickCloudOptions = {
    ...{ capacity, controlPort, seed: 1 },
    portRange: { from, to: from + portsEach - 1 },
  };
  const config = { cloud: { use: `file:${cloudPath}`, options }, pollMs: plan.pollMs };
  return { config, control: controlOf(controlPort) };
}

async function through(demand: Demand, daemon: Daemon, cloud: CloudControl): Promise<OutageRun> {
  const { client } = daemon;
  // The cloud's own time: its first second began when it was opened.
  const openedMs = performance.now() - 1_000 * (await cloud.seconds()).length;
  const at = () => performance.now() - openedMs;
  const soundGroups = groupIds(sound, plan.soundGroups);
  const groups = demand === "none" ? [] : groupIds(sick, plan.groups);
  const wanted = [
    ...soundGroups.map((id) => ({ colo: sound, id })),
    ...groups.map((id) => ({ colo: sick, id })),
  ];
  const creator = async () => {
    for (let one = wanted.shift(); one; one = wanted.shift())
      await createGroup(client, one.colo, one.id);
  };
  await Promise.all(Array.from({ length: createsAtOnce }, creator));

  await sleep(plan.blipStartMs - at());
  for (const one of (await standings(client, [...groups, ...soundGroups])).values())
    assert.equal(one.inService, plan.before, `${one.group} was not ready for the drill`);
  const blip = { blipStartMs: at(), blipEndMs: at() + plan.blipMs };
  await cloud.setCondition(illness);
  const heal = sleep(plan.blipMs).then(() => cloud.setCondition({}));
  await sleep(plan.alarmAfterMs);
  const watchers = [watch(daemon, groups, at), watch(daemon, soundGroups, at)] as const;
  for (const one of watchers) await one.alarm();
  while (at() < blip.blipEndMs + plan.restMs) {
    for (const one of watchers) await one.look();
    await sleep(plan.lookEveryMs);
  }
  await heal;
  const [own, others] = watchers;
  const seconds = await cloud.seconds();
  const ends = [...(await standings(client, [...groups, ...soundGroups])).values()];
  return {
    ...{ demand, groups, soundGroups, blip, seconds, recoveryMs: recoveryMs(seconds, blip) },
    soundMs: others.reachedMs.map((ms) => ms - others.alarmedAtMs()),
    convergedMs:
      own.reachedMs.length === groups.length
        ? Math.max(0, ...own.reachedMs) - blip.blipEndMs
        : undefined,
    windups: [...own.windups, ...others.windups],
    running: await daemon.running(),
    restless: ends.filter((one) => one.onTheWay > 0).map((one) => one.group),
  };
}

/** The monitor: alarms, and ends each alarm once its group has enough. */
function watch({ client }: Daemon, ids: readonly GroupId[], at: () => number) {
  const standing = new Map(
    ids.map((id) => [groupName(id.account, id.group), { id, most: plan.before }]),
  );
  const reachedMs: number[] = [];
  const windups: string[] = [];
  let alarmedAtMs = 0;
  return {
    ...{ reachedMs, windups },
    alarmedAtMs: () => alarmedAtMs,
    async alarm() {
      alarmedAtMs = at();
      for (const id of ids) await report(client, id, AlertState.CRITICAL);
    },
    async look() {
      if (standing.size === 0) return;
      for (const [name, { target, inService }] of await standings(client, ids)) {
        const told = standing.get(name);
        if (!told) continue;
        told.most = Math.max(told.most, inService);
        if (target > told.most + plan.step)
          windups.push(`${name}: ${target} wanted, at most ${told.most} were in service`);
        if (inService < plan.enough) continue;
        await report(client, told.id, AlertState.OK);
        standing.delete(name);
        reachedMs.push(at());
      }
    },
  };
}

/** The daemon first, so that nothing is made anew; then its servers, whatever state they are in. */
async function clear(daemon: Daemon): Promise<void> {
  await daemon.kill();
  await killMarked(daemon.folder);
  await daemon.end();
}
