import type { Diagnosis } from "../model/diagnosis.js";
import type { Call } from "./call.js";
import type { Clock, Ids } from "./clock.js";
import type { CloudDriver } from "./cloud.js";
import type { CredentialSource } from "./credentials.js";
import type { Journal } from "./journal.js";
import type { LoadBalancerDriver } from "./load-balancer.js";
import type { Log } from "./log.js";

/** What every driver gets from its host; it uses no globals, no environment. */
export interface BaseHost {
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  /** A folder of the driver's own that survives restarts. */
  readonly dataDir: string;
  /** Names this installation of Muster; goes into ownership tags. */
  readonly installation: string;
}

/** What the driver of a colo's cloud or load balancers gets. */
export interface DriverHost extends BaseHost {
  /** The colo's id. */
  readonly colo: string;
  /** The accounts' own credentials in this colo; the cloud is called with no others (M9.4). */
  readonly credentials: CredentialSource;
}

export const driverApiVersion = 1;

/** What a plug-in module exports as default. `options` is checked against the JSON Schema first. */
export interface DriverDefinition<Kind extends DriverKind, Options> {
  readonly kind: Kind;
  readonly name: string;
  readonly apiVersion: typeof driverApiVersion;
  readonly optionsSchema: Readonly<Record<string, unknown>>;
  /** JSON Schema of an account's secret. A driver without one takes no credentials. */
  readonly credentialsSchema?: Readonly<Record<string, unknown>>;
  open(options: Options, host: HostOf<Kind>): Promise<DriverOf<Kind>>;
  /**
   * What stands between the driver and its work, without opening it: nothing is started or changed,
   * and nothing stays behind. For an operator whose Muster does not start or does not work; what it
   * throws is told as a problem. Never tells a secret.
   */
  diagnose?(
    options: Options,
    host: HostOf<Kind>,
    call: DiagnoseCall,
  ): Promise<readonly Diagnosis[]>;
}

export interface DiagnoseCall extends Call {
  /** Whose credentials are to be tried: those that have some, and groups in the colo. */
  readonly accounts: readonly string[];
  /** A Muster works with this configuration's data at the moment. */
  readonly isRunning: boolean;
}

interface DriversByKind {
  readonly cloud: CloudDriver;
  readonly loadBalancer: LoadBalancerDriver;
  readonly journal: Journal;
}

export type DriverKind = keyof DriversByKind;

export type DriverOf<Kind extends DriverKind> = DriversByKind[Kind];

/** History is the whole installation's, so its driver knows of no colo. */
export type HostOf<Kind extends DriverKind> = Kind extends "journal" ? BaseHost : DriverHost;

export function defineCloudDriver<Options>(
  definition: Omit<DriverDefinition<"cloud", Options>, "kind">,
): DriverDefinition<"cloud", Options> {
  return { kind: "cloud", ...definition };
}

export function defineLoadBalancerDriver<Options>(
  definition: Omit<DriverDefinition<"loadBalancer", Options>, "kind">,
): DriverDefinition<"loadBalancer", Options> {
  return { kind: "loadBalancer", ...definition };
}

export function defineJournalDriver<Options>(
  definition: Omit<DriverDefinition<"journal", Options>, "kind">,
): DriverDefinition<"journal", Options> {
  return { kind: "journal", ...definition };
}
