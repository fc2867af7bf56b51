import type { OutsideFaultKind } from "../../src/core/errors/outside-fault.js";
import type { LaunchConfiguration } from "../../src/core/model/group.js";
import type { CloudServer } from "../../src/core/model/server.js";
import type { CloudDriver } from "../../src/core/ports/cloud.js";

/** How the suite gets at a driver and its cloud. */
export interface CloudHarness {
  /** A cloud in which the two accounts have no servers. Called once per case. */
  start(): Promise<CloudUnderTest>;
  /** What `CloudUnderTest` offers beyond the necessary; without it the cases are skipped. */
  readonly offers: {
    readonly arrived: boolean;
    readonly loseCreateAnswer: boolean;
    readonly refuse: boolean;
    readonly failPage: boolean;
    readonly otherProject?: boolean;
  };
}

export interface CloudUnderTest {
  readonly installation: string;
  readonly colo: string;
  /** Two tenants of the cloud, each with credentials of its own where the cloud knows such. */
  readonly accounts: readonly [string, string];
  /** Valid and cheap; with metadata and user data. */
  readonly launch: LaunchConfiguration;
  /** As `launch`, but without an address: what most cases make, where addresses are dear. */
  readonly addressless?: LaunchConfiguration;
  /** Invalid for the reason that `field` names, e.g. `parameters.command`. */
  readonly invalidLaunch: { readonly launch: LaunchConfiguration; readonly field: string };
  /** A zone of the cloud; undefined where it has none, and refuses whoever names one. */
  readonly zone?: string;
  /** How often the suite looks whether something came about; default 20. */
  readonly pollMs?: number;
  readonly activeWithinMs: number;
  readonly goneWithinMs: number;
  /** So many servers need more than one page. */
  readonly manyServers: number;
  /** One more driver over the same cloud, as after a restart. The suite closes it. */
  openDriver(): Promise<CloudDriver>;
  /** Lets time pass, real or not. */
  pass(ms: number): Promise<void>;
  /** What the server itself was given. */
  arrived?(server: CloudServer): Promise<Pick<LaunchConfiguration, "metadata" | "userData">>;
  /** The zone that the server is in; with `zone`. */
  zoneOf?(server: CloudServer): Promise<string | undefined>;
  /** The next create is done, and its answer lost. */
  loseCreateAnswer?(): MaybeLater<InjectedFault>;
  /** The next call of `operation` is refused by the cloud in this way. */
  refuse?(refusal: {
    readonly operation: "create" | "delete" | "get" | "list";
    readonly kind: OutsideFaultKind;
    readonly retryAfterMs?: number;
  }): MaybeLater<InjectedFault>;
  /** The next listing fails at a page that is not its first. */
  failPage?(): MaybeLater<InjectedFault>;
  /** From now on the first account's credentials answer for another project. */
  otherProject?(): MaybeLater<InjectedFault>;
  /** Removes everything that the suite has made. */
  stop(): Promise<void>;
}

export interface InjectedFault {
  /** How often it has struck. */
  fired(): MaybeLater<number>;
  off(): MaybeLater<void>;
}

/** Real clouds are disturbed from outside, which takes time. */
type MaybeLater<Value> = Value | Promise<Value>;
