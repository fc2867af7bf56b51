import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { CloudServerId } from "../../src/core/model/ids.js";
import type { CloudDriver } from "../../src/core/ports/cloud.js";
import type { DriverHost } from "../../src/core/ports/driver.js";
import { createSystemClock, createSystemIds } from "../../src/drivers/clock-system/index.js";
import nova, { type NovaOptions } from "../../src/drivers/cloud-openstack/index.js";
import type { CloudHarness, CloudUnderTest, InjectedFault } from "../contract/index.js";
import { type Bed, openBed } from "./bed.js";
import type { BedFacts, CredentialAccount, RulesOf } from "./bed-facts.js";

/** One test's Muster, as the cloud sees it: an installation of its own, with its own credentials. */
export interface Tenant {
  readonly host: DriverHost;
  readonly secrets: Map<string, Secret>;
  /** By which the bed's faults tell its calls from others'. */
  readonly agent: string;
  openDriver(options?: Partial<NovaOptions>): Promise<CloudDriver>;
  /** Deletes every server that its drivers made, with tags or without, and waits. */
  clear(): Promise<void>;
}

export interface Secret {
  readonly revision: string;
  readonly secret: Readonly<Record<string, unknown>>;
}

export const accounts = ["acme", "other"] as const;
/** The contract's cases look at quotas. */
const contractAccounts = ["counted", "other"] as const;
const colo = "bed";

type Account = keyof BedFacts["accounts"];

export function secretsOf({ accounts: { acme, other, counted } }: BedFacts): Map<string, Secret> {
  const { username, password, userDomain, project, projectDomain } = other;
  const revision = "1";
  return new Map([
    ["acme", { revision, secret: credentialOf(acme) }],
    ["counted", { revision, secret: credentialOf(counted) }],
    ["other", { revision, secret: { username, password, userDomain, project, projectDomain } }],
  ]);
}

function credentialOf({ projectId: _, ...secret }: CredentialAccount) {
  return { ...secret };
}

export function createTenant(bed: Bed): Tenant {
  const installation = `contract-${randomUUID()}`;
  const secrets = secretsOf(bed.facts);
  const quiet = () => {};
  const host: DriverHost = {
    ...{ clock: createSystemClock(), ids: createSystemIds(), dataDir: ".", installation, colo },
    log: { info: quiet, warn: quiet, error: quiet, debug: quiet },
    credentials: { of: async (account) => secrets.get(account) },
  };
  const made: { readonly account: Account; readonly id: string }[] = [];
  const open = (options: Partial<NovaOptions> = {}) =>
    nova.open({ authUrl: bed.facts.authUrl, region: bed.facts.region, ...options }, host);

  return {
    ...{ host, secrets, agent: installation },
    async openDriver(options) {
      const driver = await open(options);
      return {
        ...driver,
        async createServer(request, call) {
          const server = await driver.createServer(request, call);
          made.push({ account: request.account as Account, id: server.id });
          return server;
        },
      };
    },
    async clear() {
      const driver = await open();
      const call = { signal: AbortSignal.timeout(300_000) };
      for (const [account, secret] of secretsOf(bed.facts)) secrets.set(account, secret);
      for (const account of secretsOf(bed.facts).keys() as Iterable<Account>)
        for (const { id } of (await driver.listServers({ account, installation }, call)).servers)
          made.push({ account, id });
      await Promise.all(made.map((one) => remove(bed, one)));
      await driver.close();
    },
  };
}

async function remove(
  bed: Bed,
  { account, id }: { readonly account: Account; readonly id: string },
): Promise<void> {
  for (let look = 0; look < 150; look++) {
    const { status } = await bed.callers[account].call("compute", "DELETE", `/servers/${id}`);
    if (status === 404) return;
    await sleep(2_000);
  }
  throw new Error(`server ${id} stays`);
}

const paths = {
  create: { method: "POST", path: "/servers$" },
  delete: { method: "DELETE", path: "/servers/[^/]+$" },
  get: { method: "GET", path: "/servers/(?!detail)[^/]+$" },
  list: { method: "GET", path: "/servers/detail$" },
} as const;

const policy = "Policy doesn't allow os_compute_api:servers to be performed.";

/** How Nova itself refuses. */
const refusals = {
  throttled: { status: 429, body: { overLimit: { code: 429, message: "too many requests" } } },
  temporary: { status: 503, body: { computeFault: { code: 503, message: "not now" } } },
  denied: { status: 403, body: { forbidden: { code: 403, message: policy } } },
} as const;

/** Disturbs Nova's API for this tenant's calls alone. */
async function disturb(
  bed: Bed,
  { agent }: Tenant,
  rule: RulesOf["nova"] & { readonly match: object },
): Promise<InjectedFault> {
  await bed.faults.set("nova", [{ times: 1, ...rule, match: { ...rule.match, agent } }]);
  return {
    fired: async () => (await bed.faults.fired("nova")).length,
    off: () => bed.faults.heal(),
  };
}

export const novaHarness: CloudHarness = {
  offers: {
    ...{ arrived: true, loseCreateAnswer: true, refuse: true, failPage: true },
    otherProject: true,
  },
  async start() {
    const bed = await openBed();
    const tenant = createTenant(bed);
    const launch = {
      ...{ image: bed.facts.imageName, flavor: "tiny", userData: "#!/bin/sh\n" },
      metadata: { role: "web" },
      parameters: { networks: [{ uuid: bed.facts.network }] },
    };
    const cloud: CloudUnderTest = {
      ...{
        installation: tenant.host.installation,
        colo,
        accounts: contractAccounts,
        launch,
        addressless: { ...launch, parameters: { networks: "none" } },
        zone: "nova",
      },
      invalidLaunch: { launch: { ...launch, image: "no such image" }, field: "image" },
      ...{ pollMs: 2_000, activeWithinMs: 120_000, goneWithinMs: 60_000, manyServers: 5 },
      openDriver: () => tenant.openDriver({ pageServersMax: 2 }),
      pass: async (ms) => void (await sleep(ms)),
      async arrived({ id }) {
        const { metadata, userData } = await bed.guest(id);
        const own = Object.entries(metadata).filter(([key]) => !key.startsWith("muster_"));
        return {
          metadata: Object.fromEntries(own),
          userData: Buffer.from(userData ?? "", "base64").toString("utf8"),
        };
      },
      zoneOf: ({ id }) => zoneOf(bed, id),
      loseCreateAnswer: () =>
        disturb(bed, tenant, { match: paths.create, isDone: true, cut: true }),
      refuse: ({ operation, kind, retryAfterMs = 0 }) => {
        const headers = { "Retry-After": String(retryAfterMs / 1_000) };
        const { status, body } = refusals[kind as keyof typeof refusals];
        const limited = kind === "throttled" ? { headers } : {};
        return disturb(bed, tenant, { match: paths[operation], status, body, ...limited });
      },
      failPage: () =>
        disturb(bed, tenant, { match: { ...paths.list, query: "marker=" }, status: 503 }),
      otherProject: () => answerForOther(tenant),
      stop: () => tenant.clear(),
    };
    return cloud;
  },
};

async function zoneOf(bed: Bed, id: CloudServerId): Promise<string | undefined> {
  const { body } = await bed.callers.counted.call("compute", "GET", `/servers/${id}`);
  const server = body["server"] as Readonly<Record<string, string>>;
  return server["OS-EXT-AZ:availability_zone"];
}

/** The first account's credentials are rotated to such as answer for the second's project. */
function answerForOther({ secrets }: Tenant): InjectedFault {
  const own = secrets.get("counted")!;
  let asked = 0;
  secrets.set("counted", {
    revision: "2",
    get secret() {
      asked += 1;
      return secrets.get("other")!.secret;
    },
  });
  return {
    fired: () => asked,
    off: () => void secrets.set("counted", { ...own, revision: "3" }),
  };
}
