import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, afterEach, before } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { Muster } from "../../src/app.js";
import type { LaunchConfiguration } from "../../src/core/model/group.js";
import type { AccountId, GroupId, GroupKey } from "../../src/core/model/ids.js";
import type { Receipt } from "../../src/core/model/scale-event.js";
import type { PlacementView } from "../../src/supervisor/api.js";
import { groupSpec, placed } from "../supervisor/asks.js";
import { type Bed, openBed } from "./bed.js";
import { caller, colo, startMuster } from "./muster.js";
import type { accounts } from "./nova-harness.js";
import { listServers, type NovaServer, removeServers } from "./servers.js";

type Account = (typeof accounts)[number];

const taskState = "OS-EXT-STS:task_state";

export interface GroupAsk {
  /** Beside the smallest server, without a network. */
  readonly launch?: Partial<LaunchConfiguration>;
  readonly target?: number;
  readonly max: number;
  readonly buildTimeoutMs?: number;
}

/** A Muster of the test's own on the bed, from before the suite to after it, and its groups. */
export interface Groups {
  /** Begins the names of all its groups, and so of their servers. */
  readonly prefix: string;
  readonly bed: Bed;
  readonly muster: Muster;
  /** By which the bed's faults tell its calls from others'. */
  readonly installation: string;
  key(name: string, account?: Account): GroupKey;
  create(key: GroupKey, ask: GroupAsk): Promise<void>;
  setTarget(key: GroupKey, target: number): Promise<Receipt>;
  standing(key: GroupKey): Promise<PlacementView>;
  /** As Nova itself lists them. */
  servers(key: GroupKey): Promise<readonly NovaServer[]>;
  /** Looks until it is so, and says of these groups what was seen last when it never is. */
  until(keys: readonly GroupKey[], isSo: () => Promise<boolean>, everyMs?: number): Promise<void>;
}

/** For one `describe`: faults are healed after each test, no server is left behind. */
export function useGroups(options: {
  readonly name: string;
  readonly accounts: readonly Account[];
  readonly waitMsMax: number;
}): Groups {
  const { name, accounts, waitMsMax } = options;
  const prefix = `${name}-${randomUUID().slice(0, 8)}-`;
  let bed: Bed;
  let running: Awaited<ReturnType<typeof startMuster>>;
  before(async () => {
    bed = await openBed();
    running = await startMuster(bed.facts, { name, accounts });
  });
  afterEach(() => bed.faults.heal());
  after(async () => {
    await running.stop();
    for (const account of accounts) await removeServers(bed.callers[account], prefix);
  });

  const standing = async (key: GroupKey) => {
    const { placements } = await running.muster.supervisor.groups.get(key, caller());
    return placements[0]!;
  };
  const servers = ({ account, group }: GroupKey) =>
    listServers(bed.callers[account as string as Account], `${group}-`);
  return {
    ...{ prefix, standing, servers },
    get bed() {
      return bed;
    },
    get muster() {
      return running.muster;
    },
    get installation() {
      return running.installation;
    },
    key: (group, account = accounts[0]!) => ({
      account: account as string as AccountId,
      group: `${prefix}${group}` as GroupId,
    }),
    async create(key, { launch = {}, target = 0, max, ...more }) {
      const smallest = { image: bed.facts.image, flavor: "tiny", userData: "", metadata: {} };
      const spec = groupSpec({
        ...{ launch: { ...smallest, parameters: { networks: "none" }, ...launch }, ...more },
        placements: [placed(colo, { max })],
      });
      const asked = { ...key, spec, target, validateOnly: false, allowUnverified: false };
      await running.muster.supervisor.groups.create(asked, caller());
    },
    setTarget(key, target) {
      const request = { key, source: "manual", ask: { kind: "target", target } } as const;
      return running.muster.supervisor.scaling.submit(request, caller());
    },
    async until(keys, isSo, everyMs = 1_000) {
      const end = performance.now() + waitMsMax;
      while (!(await isSo())) {
        if (performance.now() > end) {
          const seen = keys.map(async (key) => {
            const unbuilt = (await servers(key)).filter(({ status }) => status !== "ACTIVE");
            const told = unbuilt.map((one) => `${one.id} ${one.status} ${one[taskState]}`);
            return `${key.group}: ${JSON.stringify(await standing(key))}, Nova: ${told.join(", ")}`;
          });
          assert.fail((await Promise.all(seen)).join("\n"));
        }
        await sleep(everyMs);
      }
    },
  };
}
