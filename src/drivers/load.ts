import { resolve } from "node:path";
import { type FieldViolation, invalidConfig } from "../core/errors/fault.js";
import { type OutsideFaultKind, outsideFaultOf } from "../core/errors/outside-fault.js";
import {
  type BaseHost,
  type DriverDefinition,
  type DriverKind,
  type DriverOf,
  driverApiVersion,
  type HostOf,
} from "../core/ports/driver.js";
import { checkBySchema, type SchemaCheck } from "./check-schema.js";
import { importPlugin } from "./resolve-plugin.js";

/** One driver that the configuration names. */
export interface DriverRequest<Kind extends DriverKind = DriverKind> {
  readonly kind: Kind;
  /** Where the configuration names it, e.g. `colos.iad.cloud`; begins every complaint. */
  readonly field: string;
  /** `builtin:process`, `npm:@acme/x`, or `file:./path.js`. */
  readonly use: string;
  readonly options?: unknown;
  readonly host: HostOf<Kind>;
  /** A cloud is probed with one page of this account's list; without one it is not called. */
  readonly probeAccount?: string;
}

export interface LoadSettings {
  /** Folder of the configuration: `file:` and `npm:` are found from there. */
  readonly baseDir: string;
  /** How long opening and probing one driver may take, together. */
  readonly startMsMax?: number;
}

export type Loaded<Requests extends Readonly<Record<string, DriverRequest>>> = {
  readonly [Name in keyof Requests]: LoadedDriver<Requests[Name]["kind"]>;
};

export interface LoadedDriver<Kind extends DriverKind = DriverKind> {
  readonly driver: DriverOf<Kind>;
  /** What is wrong with an account's secret; undefined: the driver takes no credentials. */
  readonly checkSecret?: SchemaCheck;
}

/**
 * Loads every driver, or none: all that is wrong with any of them is reported together, and those
 * that did open are closed again.
 *
 * @throws Fault `CONFIG_INVALID`, one violation per problem, each naming driver and refusal:
 *   resolve, handshake, options, open, probe.
 */
export async function loadDrivers<const Requests extends Readonly<Record<string, DriverRequest>>>(
  requests: Requests,
  settings: LoadSettings,
): Promise<Loaded<Requests>> {
  const names = Object.keys(requests);
  const results = await Promise.all(names.map((name) => load(requests[name]!, settings)));
  const violations = results.flatMap((result) => result.violations);
  if (violations.length === 0)
    return Object.fromEntries(
      names.map((name, index) => [name, results[index]]),
    ) as unknown as Loaded<Requests>;
  await Promise.allSettled(results.map(({ driver }) => driver?.close()));
  throw invalidConfig(violations);
}

interface Result {
  readonly driver?: DriverOf<DriverKind>;
  readonly checkSecret?: SchemaCheck;
  readonly violations: readonly FieldViolation[];
}

type Definition = DriverDefinition<DriverKind, unknown>;

const builtins: Readonly<Record<string, () => Promise<unknown>>> = {
  process: () => import("./cloud-process/index.js"),
  simulated: () => import("./cloud-simulated/index.js"),
  openstack: () => import("./cloud-openstack/index.js"),
  proxy: () => import("./lb-proxy/index.js"),
  haproxy: () => import("./lb-haproxy/index.js"),
  octavia: () => import("./lb-octavia/index.js"),
  elasticsearch: () => import("./journal-elasticsearch/index.js"),
};

async function load(request: DriverRequest, settings: LoadSettings): Promise<Result> {
  const prepared = await prepareDriver(request, settings);
  if ("violations" in prepared) return prepared;
  const { checkSecret } = prepared;
  const started = await start(prepared, request, settings);
  return checkSecret ? { ...started, checkSecret } : started;
}

/** A driver that may be opened. */
export interface PreparedDriver {
  readonly definition: DriverDefinition<DriverKind, unknown>;
  /** With the schema's defaults filled in. */
  readonly options: unknown;
  readonly checkSecret?: SchemaCheck;
}

/** The part of loading that starts nothing: resolve, handshake, options. */
export async function prepareDriver(
  request: DriverRequest,
  settings: Pick<LoadSettings, "baseDir">,
): Promise<PreparedDriver | { readonly violations: readonly FieldViolation[] }> {
  let module: unknown;
  try {
    module = await importPlugin(request.use, resolve(settings.baseDir), builtins);
  } catch (error) {
    return refuse(request, "resolve", textOf(error));
  }
  const definition = (module as { readonly default?: unknown }).default;
  const complaint = handshake(definition, request.kind);
  if (complaint !== undefined) return refuse(request, "handshake", complaint);

  const sound = definition as Definition;
  let checks: Checks;
  try {
    checks = checksOf(sound);
  } catch (error) {
    return refuse(request, "handshake", textOf(error));
  }
  const options = structuredClone(request.options ?? {});
  const problems = checks.options(options);
  if (problems.length > 0) {
    const parts = problems.map(({ field, description }) =>
      refuse(request, "options", description, field),
    );
    return { violations: parts.flatMap(({ violations }) => violations) };
  }
  const { secret } = checks;
  return { definition: sound, options, ...(secret && { checkSecret: secret }) };
}

function refuse(request: DriverRequest, step: string, description: string, field = "use"): Result {
  const say = `driver ${request.use} refused at ${step}: ${description}`;
  return { violations: [{ field: `${request.field}.${field}`, description: say }] };
}

async function start(
  { definition, options }: PreparedDriver,
  request: DriverRequest,
  settings: LoadSettings,
): Promise<Result> {
  const within = createDeadline(request.host, settings.startMsMax ?? startMsMaxDefault);
  const opening = Promise.resolve().then(() => definition.open(options, request.host));
  try {
    const driver = await within.run(opening);
    const missing = missingParts(driver, request.kind);
    if (missing.length > 0) return refuse(request, "open", `lacks ${missing.join(", ")}`);
    const complaint = await probe(driver, request, within);
    if (complaint === undefined) return { driver, violations: [] };
    await driver.close().catch(() => {});
    return refuse(request, "probe", complaint);
  } catch (error) {
    // Who opens too late is closed then, so that nothing runs that nobody knows of.
    opening.then((late) => late.close()).catch(() => {});
    return refuse(request, "open", textOf(error));
  } finally {
    within.end();
  }
}

interface Checks {
  readonly options: SchemaCheck;
  readonly secret?: SchemaCheck;
}

/** @throws Error naming the schema that is none. */
function checksOf({ optionsSchema, credentialsSchema }: Definition): Checks {
  const options = checkBySchema(optionsSchema, { kind: "options", root: "options" });
  if (credentialsSchema === undefined) return { options };
  const use = { kind: "credentials", root: "secret" } as const;
  return { options, secret: checkBySchema(credentialsSchema, use) };
}

const startMsMaxDefault = 30_000;

function handshake(definition: unknown, kind: DriverKind): string | undefined {
  if (typeof definition !== "object" || definition === null)
    return "the module's default export is not a driver definition";
  const { kind: theirs, apiVersion, name, open, optionsSchema } = definition as Partial<Definition>;
  if (theirs !== kind) return `is a driver of kind ${String(theirs)}, needed is ${kind}`;
  if (apiVersion !== driverApiVersion)
    return `speaks driver API version ${String(apiVersion)}, this Muster ${driverApiVersion}`;
  if (typeof name !== "string" || name === "") return "its definition has no name";
  if (typeof open !== "function") return "its definition has no open()";
  if (typeof optionsSchema !== "object" || optionsSchema === null)
    return "its definition has no optionsSchema";
  return undefined;
}

const partsOf = {
  cloud: [
    ...["createServer", "deleteServer", "getServer", "listServers"],
    ...["findByIntention", "tagServer", "checkLaunch", "close"],
  ],
  loadBalancer: ["listMembers", "changeMembers", "close"],
  journal: ["append", "position", "search", "trim", "close"],
} as const satisfies Record<DriverKind, readonly string[]>;

function missingParts(driver: unknown, kind: DriverKind): readonly string[] {
  const have = (driver ?? {}) as Readonly<Record<string, unknown>>;
  const missing = partsOf[kind].filter((part) => typeof have[part] !== "function");
  if (kind === "journal") return missing;
  const hasCapabilities = typeof have["capabilities"] === "object" && have["capabilities"];
  return hasCapabilities ? missing : ["capabilities", ...missing];
}

/**
 * A cheap call. An outage is no mistake of the configuration: it is logged, and start-up goes on.
 */
async function probe(
  driver: DriverOf<DriverKind>,
  { host, probeAccount, use, field }: DriverRequest,
  within: Deadline,
): Promise<string | undefined> {
  if (!("listServers" in driver) || probeAccount === undefined) return undefined;
  const { installation } = host;
  try {
    const call = { signal: within.signal };
    await within.run(driver.listServers({ account: probeAccount, installation }, call));
    return undefined;
  } catch (error) {
    const fault = outsideFaultOf(error);
    if (!within.signal.aborted && !outages.has(fault.kind))
      return `${fault.kind}: ${fault.message}`;
    const fields = { driver: use, field, kind: fault.kind, error: fault.message };
    host.log.warn(fields, "the cloud did not answer the probe; starting all the same");
    return undefined;
  }
}

const outages: ReadonlySet<OutsideFaultKind> = new Set(["temporary", "throttled"]);

interface Deadline {
  readonly signal: AbortSignal;
  run<Answer>(work: Promise<Answer>): Promise<Answer>;
  end(): void;
}

function createDeadline({ clock }: BaseHost, ms: number): Deadline {
  const controller = new AbortController();
  const timer = clock.after(ms, () => controller.abort());
  const passed = new Promise<never>((_, reject) => {
    controller.signal.addEventListener("abort", () => reject(new Error(`no answer in ${ms} ms`)));
  });
  passed.catch(() => {});
  return {
    signal: controller.signal,
    run: async (work) => await Promise.race([work, passed]),
    end: () => timer.cancel(),
  };
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
