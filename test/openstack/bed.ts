import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import { readFile, rename, rm, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import type { BedFacts, Daemon, Fired, Guest, RulesOf } from "./bed-facts.js";
import { type Caller, createCaller } from "./caller.js";

/** The running test bed: real OpenStack services on loopback, and how to make them fail. */
export interface Bed {
  readonly facts: BedFacts;
  readonly callers: Readonly<Record<keyof BedFacts["accounts"] | "admin", Caller>>;
  readonly faults: Faults;
  readonly services: Services;
  readonly hosts: Hosts;
  /**
   * Waits until Nova's daemons have reported anew. Until then, after an outage of one of them or of
   * the message bus, what they are told may be lost, and a server stays in BUILD for ever.
   */
  novaReady(): Promise<void>;
  /** What Nova gave its virt driver to build. @throws if no such server came so far */
  guest(serverId: string): Promise<Guest>;
}

/** This process's own: others' on the same bed neither see nor change them. */
interface Faults {
  /** Replaces the rules of one service or driver; the daemons go by them from now on. */
  set<Name extends keyof RulesOf>(name: Name, rules: readonly RulesOf[Name][]): Promise<void>;
  /** Takes all of them away; builds that hang go on. What has fired stays to be read. */
  heal(): Promise<void>;
  /** Each time that a rule of the last `set` happened. */
  fired(name: keyof RulesOf): Promise<readonly Fired[]>;
}

interface Services {
  /** Starts it again, and waits until its port listens. */
  start(name: Daemon): Promise<void>;
  /** Asks it to end, and waits. */
  stop(name: Daemon): Promise<void>;
  kill(name: Daemon): Promise<void>;
  /** Freezes all its processes (SIGSTOP): connections are taken and never answered. */
  pause(name: Daemon): Promise<void>;
  resume(name: Daemon): Promise<void>;
}

interface Hosts {
  /** No server can be placed any more: builds end in ERROR with "No valid host was found". */
  disable(): Promise<void>;
  enable(): Promise<void>;
}

/** Opens the bed that `MUSTER_BED` names. @throws if none is up */
export async function openBed(): Promise<Bed> {
  const state = resolve(process.env["MUSTER_BED"] ?? ".bed/openstack");
  const text = await readFile(join(state, "bed.json"), "utf8").catch((cause) => {
    throw new Error(`no bed is up in ${state}: test/openstack/bed/bed.py up`, { cause });
  });
  const facts = JSON.parse(text) as BedFacts;
  const admin = createCaller(facts, facts.admin);
  return {
    facts,
    callers: {
      acme: createCaller(facts, facts.accounts.acme),
      other: createCaller(facts, facts.accounts.other),
      counted: createCaller(facts, facts.accounts.counted),
      admin,
    },
    faults: createFaults(facts.faults),
    services: createServices(state),
    hosts: createHosts(admin),
    novaReady: () => reported(admin, Date.now()),
    guest: async (serverId) =>
      JSON.parse(await readFile(join(facts.guests, `${serverId}.json`), "utf8")),
  };
}

const novaDaemons = ["nova-compute", "nova-conductor", "nova-scheduler"];
const reportMsMax = 120_000;

async function reported(admin: Caller, sinceMs: number): Promise<void> {
  while (Date.now() - sinceMs < reportMsMax) {
    const { body } = await admin.call("compute", "GET", "/os-services");
    const listed = (body["services"] ?? []) as readonly { binary: string; updated_at: string }[];
    const fresh = listed
      .filter((one) => Date.parse(`${one.updated_at}Z`) > sinceMs)
      .map((one) => one.binary);
    if (novaDaemons.every((name) => fresh.includes(name))) return;
    await sleep(1_000);
  }
  throw new Error("Nova's daemons do not report");
}

function createFaults(folder: string): Faults {
  const whose = randomUUID();
  const pathOf = (name: keyof RulesOf) => join(folder, `${name}.${whose}.json`);
  const ids = new Map<keyof RulesOf, string>();
  return {
    async set(name, rules) {
      const id = randomUUID();
      ids.set(name, id);
      const path = pathOf(name);
      // The daemons read at any moment: they must not find half a file.
      await writeFile(`${path}.new`, JSON.stringify({ id, rules }));
      await rename(`${path}.new`, path);
    },
    async heal() {
      for (const name of faultNames) await rm(pathOf(name), { force: true });
    },
    async fired(name) {
      const text = await readFile(join(folder, `${name}.fired`), "utf8").catch(() => "");
      const lines = text.split("\n").filter((line) => line !== "");
      return lines
        .map((line) => JSON.parse(line) as Fired)
        .filter((one) => one.id === ids.get(name));
    },
  };
}

const faultNames: readonly (keyof RulesOf)[] = [
  "nova",
  "neutron",
  "glance",
  "keystone",
  "placement",
  "octavia",
  "compute",
  "network",
  "handover",
];

function createServices(state: string): Services {
  const control = async (verb: string, name: Daemon) => {
    const env = { ...process.env, MUSTER_BED: state };
    await promisify(execFile)("test/openstack/bed/bed.py", [verb, name], { env });
  };
  return {
    start: (name) => control("start", name),
    stop: (name) => control("stop", name),
    kill: (name) => control("kill", name),
    pause: (name) => control("pause", name),
    resume: (name) => control("resume", name),
  };
}

function createHosts(admin: Caller): Hosts {
  const setStatus = async (status: "enabled" | "disabled") => {
    const path = "/os-services";
    const listed = await admin.call("compute", "GET", `${path}?binary=nova-compute`);
    for (const { id } of listed.body["services"] as readonly { readonly id: string }[]) {
      const answer = await admin.call("compute", "PUT", `${path}/${id}`, { status });
      if (answer.status !== 200) throw new Error(`nova-compute is not ${status}: ${answer.text}`);
    }
  };
  return { disable: () => setStatus("disabled"), enable: () => setStatus("enabled") };
}
