import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Transport } from "@connectrpc/connect";
import { type ColoConfig, type Config, type PluginConfig, parseAddress } from "./config.js";
import { Fault } from "./core/errors/fault.js";
import type { ColoId, NodeId } from "./core/model/ids.js";
import type { Clock } from "./core/ports/clock.js";
import type { BaseHost } from "./core/ports/driver.js";
import type { Journal } from "./core/ports/journal.js";
import type { Log } from "./core/ports/log.js";
import type { SecretBox } from "./core/ports/secret-box.js";
import type { Store } from "./core/ports/store.js";
import { createSystemClock, createSystemIds } from "./drivers/clock-system/index.js";
import { createSqliteJournal } from "./drivers/journal-sqlite/index.js";
import { type DriverRequest, type LoadedDriver, loadDrivers } from "./drivers/load.js";
import { prepareStore } from "./drivers/load-store.js";
import { createPrometheusMeter } from "./drivers/meter-prometheus/index.js";
import { createPrometheusMetrics } from "./drivers/metrics-prometheus/index.js";
import { createPeerClient, openPeerListener } from "./drivers/peers-http2/index.js";
import { createKeyRing, createSecretBox } from "./drivers/secrets-aes/index.js";
import { createKeyFile } from "./drivers/secrets-aes/key-file.js";
import { createHttpSender } from "./drivers/sender-http/index.js";
import { createSqliteStore } from "./drivers/store-sqlite/index.js";
import { createSwitchFile } from "./drivers/switch-file/index.js";
import { identityOf } from "./identity.js";
import {
  type Authenticator,
  createStaticTokens,
  createTrustingAuthenticator,
  installationPrincipal,
} from "./server/authenticator.js";
import {
  createInProcessTransport,
  createServer,
  type Server,
  type ServerOptions,
} from "./server/server.js";
import type { Supervisor } from "./supervisor/api.js";
import type { ColoSetup } from "./supervisor/colo/colo.js";
import { defaultQueueLimits } from "./supervisor/colo/colo-queue.js";
import { defaultLeaseTimes } from "./supervisor/colo/leases.js";
import {
  type CredentialBook,
  createCredentialBook,
} from "./supervisor/credentials/credential-book.js";
import { defaultRetention } from "./supervisor/events/journaler.js";
import { createSupervisor } from "./supervisor/supervisor.js";

/** What an embedder gives; all but the colos has a default. */
export interface MusterOptions extends Omit<Config, "tokens" | "colos" | "store" | "journal"> {
  readonly dataDir: string;
  /** Without tokens nothing is listened on: calls come through `transport` only. */
  readonly tokens?: Config["tokens"];
  /** A colo by its drivers' names, or by driver objects of the embedder's own. */
  readonly colos: Readonly<Record<string, (ColoConfig | ColoDrivers) & Unbraked>>;
  /** Folder that `file:` and `npm:` drivers are found from; default: the working folder. */
  readonly baseDir?: string;
  /**
   * Keys for accounts' credentials, of 32 bytes each, instead of `secretsKeyFile`: the first
   * encrypts, all decrypt.
   */
  readonly secretsKeys?: readonly Uint8Array[];
  /** Ports of the embedder's own instead of the embedded ones, or drivers by their names. */
  readonly store?: Store | PluginConfig;
  readonly journal?: Journal | PluginConfig;
  readonly log?: Log;
}

/** A colo whose drivers are open already. The embedder closes them. */
export type ColoDrivers = Pick<ColoSetup, "cloud" | "loadBalancer"> & { readonly pollMs?: number };

/** What no configuration file can say: only measurements of what the brakes are for do without. */
type Unbraked = Pick<ColoSetup, "admission">;

/** A running Muster. */
export interface Muster {
  /** For clients in this process: no port, no token. */
  readonly transport: Transport;
  /** The same, without any wire. */
  readonly supervisor: Supervisor;
  /** The figures in Prometheus' text format, as `/metrics` tells them. */
  metrics(): Promise<string>;
  /** `host:port`; undefined when nothing is listened on. */
  readonly address: string | undefined;
  /** Stops taking calls, lets running ones and steps finish for `graceMs`, closes everything. */
  stop(graceMs?: number): Promise<void>;
}

const stopGraceMs = 10_000;
const pollMsDefault = 2_000;
/** A node that cannot read the store for so long leaves calls to others. */
const switchAgeMsMax = 5_000;
const silent: Log = { info() {}, warn() {}, error() {}, debug() {} };

/**
 * Starts a whole Muster in this process.
 *
 * @throws Fault `CONFIG_INVALID` naming everything that is wrong, and nothing runs then.
 * @throws Fault `STORE_UNAVAILABLE`: another process uses the data folder, or the cluster is away.
 */
export async function createMuster(options: MusterOptions): Promise<Muster> {
  const { dataDir, log = silent } = options;
  const clock = createSystemClock();
  const ids = createSystemIds();
  const closers: ((graceMs: number) => Promise<void>)[] = [];
  const closeAll = async (graceMs: number) => {
    const failures: unknown[] = [];
    // The last opened first; one that fails must not keep the store's lock from being given back.
    for (const close of closers.splice(0).reverse())
      await close(graceMs).catch((error: unknown) => failures.push(error));
    if (failures.length > 0) throw failures[0];
  };
  try {
    await mkdir(dataDir, { recursive: true });
    const store = await openStore(options, clock, log);
    closers.push(() => store.close());
    const node = await identityOf(dataDir, "node", ids);
    const installation = options.installation ?? (await identityOf(dataDir, "installation", ids));
    const base = { clock, ids, log, installation };
    const journal = await openJournal(options, base);
    closers.push(() => journal.close());
    const box = await openSecretBox(options);
    const book = createCredentialBook({ ...base, store, box });
    const needKey = (signal: AbortSignal) => book.needKey(signal);
    const sender = createHttpSender({ allow: options.notifications?.allow ?? [] });
    const { setups, close } = await openColos(options, base, book);
    closers.push(close);
    const meter = createPrometheusMeter();
    const { peers } = options;
    const wire = peers && { ...base, meter, identity: peers };
    const client = wire && createPeerClient({ ...wire, colos: peers.colos });
    closers.push(async () => client?.close());
    const supervisor = createSupervisor({
      installation,
      node: node as NodeId,
      store,
      journal,
      clock,
      ids,
      log,
      colos: setups,
      credentials: book,
      notifying: { box, sender, needKey },
      ...(options.prometheus ? { metrics: createPrometheusMetrics(options.prometheus) } : {}),
      leaseTimes: defaultLeaseTimes,
      retention: defaultRetention,
      meter,
      switchFile: createSwitchFile(options.killSwitchFile ?? join(dataDir, "STOP")),
      backupDir: join(dataDir, "backups"),
      ...(client ? { peers: client } : {}),
    });
    closers.push((graceMs) => supervisor.stop(graceMs));
    await supervisor.start();
    if (wire) {
      const at = { listen: addressOf(peers.listen), door: supervisor.peer };
      const listener = await openPeerListener({ ...wire, ...at });
      closers.push((graceMs) => listener.close(graceMs));
    }
    const isReady = () => supervisor.switchAgeMs() <= switchAgeMsMax;
    const server = await listen(options, { supervisor, clock, log, figures: meter, isReady });
    const embedder = createTrustingAuthenticator(installationPrincipal("embedder", "admin"));
    const api = { supervisor, clock, log };
    let stopped: Promise<void> | undefined;
    return {
      transport: createInProcessTransport({ ...api, authenticator: embedder }),
      supervisor,
      address: server && `${server.address}:${server.port}`,
      metrics: () => meter.text(),
      stop(graceMs = stopGraceMs) {
        stopped ??= (async () => {
          await server?.drain(graceMs);
          await closeAll(graceMs);
        })();
        return stopped;
      },
    };
  } catch (error) {
    await closeAll(0).catch(() => {}); // What kept it from starting is what to tell.
    throw error;
  }
}

async function openStore(options: MusterOptions, clock: Clock, log: Log): Promise<Store> {
  const { dataDir, store, baseDir = ".", installation, colos } = options;
  if (store === undefined)
    return createSqliteStore({ path: join(dataDir, "state.db"), clock, log });
  if (!("use" in store)) return store;
  if (installation === undefined) {
    const say = "installation: is required where nodes share a store: the same name on all";
    throw new Fault("CONFIG_INVALID", { say });
  }
  const { definition, options: checked } = await prepareStore(store);
  return definition.open(checked, { clock, log, baseDir, colos: Object.keys(colos) });
}

async function openJournal(
  { journal: given, baseDir = ".", dataDir }: MusterOptions,
  base: Omit<BaseHost, "dataDir">,
): Promise<Journal> {
  if (!given) return createSqliteJournal({ path: join(dataDir, "events.db"), log: base.log });
  if (!("use" in given)) return given;
  const host = { ...base, dataDir: join(dataDir, "drivers", "journal") };
  await mkdir(host.dataDir, { recursive: true });
  const request = { kind: "journal", field: "journal", host, ...given } as const;
  const { journal } = await loadDrivers({ journal: request }, { baseDir });
  return journal.driver;
}

/** @throws Fault `CONFIG_INVALID`: the keys are of no use, or others may read them. */
async function openSecretBox(options: MusterOptions): Promise<SecretBox> {
  const { dataDir, secretsKeys, secretsKeyFile = join(dataDir, "secrets.key") } = options;
  const keys = secretsKeys ? createKeyRing(secretsKeys) : createKeyFile(secretsKeyFile);
  const box = createSecretBox(keys);
  try {
    await box.newestKey();
    return box;
  } catch (error) {
    throw new Fault("CONFIG_INVALID", { say: (error as Error).message, cause: error });
  }
}

async function openColos(
  options: MusterOptions,
  host: Omit<BaseHost, "dataDir">,
  book: CredentialBook,
): Promise<{ setups: ColoSetup[]; close: () => Promise<void> }> {
  const requests: Record<string, DriverRequest> = {};
  for (const [colo, one] of Object.entries(options.colos)) {
    if (isOpen(one)) continue;
    const ask = (kind: DriverRequest["kind"], field: string, plugin: ColoConfig["cloud"]) => {
      const dataDir = join(options.dataDir, "drivers", colo, kind);
      requests[`${colo}/${kind}`] = {
        kind,
        field: `colos.${colo}.${field}`,
        use: plugin.use,
        options: plugin.options ?? {},
        host: { ...host, colo, dataDir, credentials: book.sourceOf(colo) },
      };
    };
    ask("cloud", "cloud", one.cloud);
    if (one.loadBalancers) ask("loadBalancer", "loadBalancers", one.loadBalancers);
  }
  for (const request of Object.values(requests))
    await mkdir(request.host.dataDir, { recursive: true });
  const drivers = await loadDrivers(requests, { baseDir: options.baseDir ?? "." });
  const setups = Object.entries(options.colos).map(([colo, one]): ColoSetup => {
    const base = {
      id: colo as ColoId,
      pollMs: one.pollMs ?? pollMsDefault,
      queue: defaultQueueLimits,
      ...(one.admission === undefined ? {} : { admission: one.admission }),
    };
    if (isOpen(one)) {
      const { cloud, loadBalancer } = one;
      const balancer = loadBalancer ? { loadBalancer, loadBalancerName: "embedded" } : {};
      return { ...base, cloud, cloudName: "embedded", ...balancer };
    }
    const loadBalancer = drivers[`${colo}/loadBalancer`]?.driver as ColoSetup["loadBalancer"];
    const loadBalancerName = one.loadBalancers?.use;
    const checkSecret = checkOf([drivers[`${colo}/cloud`], drivers[`${colo}/loadBalancer`]]);
    return {
      ...base,
      queue: {
        ...defaultQueueLimits,
        concurrency: one.concurrency ?? defaultQueueLimits.concurrency,
      },
      cloud: drivers[`${colo}/cloud`]?.driver as ColoSetup["cloud"],
      cloudName: one.cloud.use,
      ...(loadBalancer && loadBalancerName ? { loadBalancer, loadBalancerName } : {}),
      ...(checkSecret ? { checkSecret } : {}),
    };
  });
  return {
    setups,
    async close() {
      for (const { driver } of Object.values(drivers)) await driver.close();
    },
  };
}

/** A secret must suit every driver of the colo that takes one. */
function checkOf(drivers: readonly (LoadedDriver | undefined)[]): ColoSetup["checkSecret"] {
  const checks = drivers.flatMap((one) => one?.checkSecret ?? []);
  if (checks.length === 0) return undefined;
  return (secret) => {
    const found = checks.flatMap((check) => check(secret));
    const byText = found.map((one) => [`${one.field} ${one.description}`, one] as const);
    return [...new Map(byText).values()];
  };
}

function isOpen(colo: ColoConfig | ColoDrivers): colo is ColoDrivers {
  return "createServer" in colo.cloud;
}

async function listen(
  options: MusterOptions,
  api: Pick<ServerOptions, "supervisor" | "clock" | "log" | "figures" | "isReady">,
): Promise<Server | undefined> {
  if (!options.tokens) return undefined;
  const authenticator: Authenticator = createStaticTokens(options.tokens);
  const { host, port } = addressOf(options.listen ?? "127.0.0.1:7350");
  const tls = options.tls && {
    cert: await readFile(options.tls.certFile),
    key: await readFile(options.tls.keyFile),
    ...(options.tls.caFile === undefined ? {} : { ca: await readFile(options.tls.caFile) }),
  };
  return createServer({ ...api, authenticator, listen: { host, port }, ...(tls ? { tls } : {}) });
}

/** @throws Error */
export function addressOf(text: string): { readonly host: string; readonly port: number } {
  const address = parseAddress(text);
  if (!address) throw new Error(`${text} is not host:port`);
  return address;
}
