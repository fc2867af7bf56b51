import assert from "node:assert/strict";
import { copyFile, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { createMusterClient, type MusterClient } from "../../clients/node/index.js";
import { Fault } from "../../src/core/errors/fault.js";
import type { Store } from "../../src/core/ports/store.js";
import { createSystemClock } from "../../src/drivers/clock-system/index.js";
import { createSqliteStore } from "../../src/drivers/store-sqlite/index.js";
import type { Event } from "../../src/gen/muster/v1/event_service_pb.js";
import type { PolicySchema } from "../../src/gen/muster/v1/policy_pb.js";
import type { WebhookUse } from "../../src/gen/muster/v1/webhook_service_pb.js";
import { createMuster, type Muster, type MusterOptions } from "../../src/index.js";
import type { Addressed } from "../clients/musterctl.js";
import { until } from "../drivers/cloud-process-harness.js";

export const WEB = "accounts/acme/groups/web";
export const UP = `${WEB}/policies/up`;

/** A whole Muster on the embedded store and one port, with a log that keeps all. */
export interface HooksBench {
  readonly muster: Muster;
  readonly client: MusterClient;
  readonly url: string;
  /** For the command line tool. */
  readonly target: Addressed;
  readonly logged: readonly string[];
  /** While it is true every commit fails, and certainly leaves nothing. */
  storeIsAway: boolean;
  /** How many commits failed for it. */
  refusedCommits(): number;
  /** While it is true every commit takes effect, and nobody hears of it. */
  answersAreLost: boolean;
  lostAnswers(): number;
  /** Ids of the events that would be there if the power went now. */
  durableIds(): Promise<readonly string[]>;
  post(path: string, body?: string, headers?: Record<string, string>): Promise<HooksAnswer>;
  createPolicy(policyId: string, more?: Partial<PolicyInit>): Promise<void>;
  /** Resolves to its paths. */
  createWebhook(use: WebhookUse, parent?: string, webhookId?: string): Promise<readonly string[]>;
  /** How many servers the group wants. */
  wanted(): Promise<number>;
  /** Once there are so many. */
  decided(count: number): Promise<readonly Event[]>;
  /** Everything that the installation wrote into files, but the keys. */
  bytes(): Promise<string>;
}

export interface HooksAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly json: Summary & { readonly alerts: readonly [AlertSummary, ...AlertSummary[]] };
}

/** As senders read it. */
interface Summary {
  readonly eventId: string;
  readonly outcome: string;
  readonly oldTarget: number;
  readonly newTarget: number;
  readonly reasons: readonly string[];
}

interface AlertSummary extends Summary {
  readonly key: string;
  readonly policy: string;
  readonly error: string;
}

type PolicyInit = Exclude<MessageInitShape<typeof PolicySchema>, { $typeName: unknown }>;

const token = "hooks-bench-token-0123456789";

export async function createHooksBench(
  t: TestContext,
  more: Pick<MusterOptions, "notifications"> = {},
): Promise<HooksBench> {
  const dataDir = await mkdtemp(join(tmpdir(), "muster-hooks-"));
  const logged: string[] = [];
  const note = (fields: unknown, message: string) =>
    void logged.push(`${message} ${JSON.stringify(fields)}`);
  const log = { info: note, warn: note, error: note, debug: note };
  const clock = createSystemClock();
  const real = await createSqliteStore({ path: join(dataDir, "state.db"), clock, log });
  let [refused, lost] = [0, 0];
  const store: Store = {
    ...real,
    async commit(commit, call) {
      if (bench.storeIsAway) {
        refused++;
        throw new Fault("STORE_UNAVAILABLE", { say: "the store is away", retryAfterMs: 3_000 });
      }
      const done = await real.commit(commit, call);
      if (!bench.answersAreLost) return done;
      lost++;
      throw new Fault("COMMIT_UNKNOWN", { say: "its answer was lost" });
    },
  };
  const brief = { fromMs: 1, toMs: 2 };
  const options = { buildMs: brief, deleteMs: brief, listingLagMs: 0 };
  const muster = await createMuster({
    ...{ dataDir, log, store, installation: "here", listen: "127.0.0.1:0" },
    colos: { iad: { cloud: { use: "builtin:simulated", options }, pollMs: 20 } },
    ...more,
    tokens: [{ principal: "ann", token, roles: [{ account: "acme", role: "admin" }] }],
  });
  const client = createMusterClient({ address: muster.address!, token });
  t.after(async () => {
    client.close();
    bench.storeIsAway = false;
    await muster.stop(1_000);
    await rm(dataDir, { recursive: true, force: true });
  });
  const url = `http://${muster.address}`;
  const target = { token, account: "acme", addressFor: () => muster.address! };
  const bench: HooksBench = {
    ...{ muster, client, url, target, logged },
    storeIsAway: false,
    refusedCommits: () => refused,
    answersAreLost: false,
    lostAnswers: () => lost,
    async durableIds() {
      // What stands in the files by now is what a new process would find.
      const copy = await mkdtemp(join(tmpdir(), "muster-hooks-copy-"));
      try {
        for (const name of ["state.db", "state.db-wal"])
          await copyFile(join(dataDir, name), join(copy, name));
        const image = await createSqliteStore({ path: join(copy, "state.db"), clock, log });
        const { signal } = new AbortController();
        const entries = await image.readFeed("", 1_000, { signal }).finally(() => image.close());
        return entries.map(({ event }) => event.id);
      } finally {
        await rm(copy, { recursive: true, force: true });
      }
    },
    async post(path, body = "", headers = {}) {
      const answer = await fetch(url + path, { method: "POST", body, headers });
      const text = await answer.text();
      const isJson = answer.headers.get("content-type") === "application/json";
      const { status } = answer;
      return { status, headers: answer.headers, text, json: JSON.parse(isJson ? text : "{}") };
    },
    async createPolicy(policyId, more = {}) {
      const policy = { displayName: policyId, action: plusTwo, ...more };
      await client.policies.createPolicy({ parent: WEB, policyId, policy });
    },
    async createWebhook(use, parent = UP, webhookId = "") {
      const webhook = { displayName: "ci", use };
      const answer = await client.webhooks.createWebhook({ parent, webhookId, webhook });
      return answer.token!.paths;
    },
    async wanted() {
      const { group } = await client.groups.getGroup({ name: WEB });
      return group!.status!.placements[0]!.target;
    },
    async decided(count) {
      const asked = { parent: "accounts/acme", types: ["scale.decided"], pageSize: 1_000 };
      let events: readonly Event[] = [];
      await until(async () => {
        ({ events } = await client.events.searchEvents(asked));
        return events.length >= count;
      });
      return events;
    },
    async bytes() {
      const files = await readdir(dataDir, { recursive: true, withFileTypes: true });
      const plain = files.filter((one) => one.isFile());
      assert.ok(plain.some(({ name }) => name === "state.db"));
      const texts = plain.map((one) => readFile(join(one.parentPath, one.name), "latin1"));
      return (await Promise.all(texts)).join("\n");
    },
  };
  await client.groups.createGroup({
    parent: "accounts/acme",
    groupId: "web",
    group: {
      displayName: "web",
      placements: [{ colo: "iad", min: 0, max: 10 }],
      launchConfiguration: { image: "debian", flavor: "small" },
    },
  });
  await bench.createPolicy("up");
  return bench;
}

const plusTwo = { case: "change", value: 2 } as const;
