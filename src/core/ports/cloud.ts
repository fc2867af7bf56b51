import type { LaunchConfiguration } from "../model/group.js";
import type { CloudServerId } from "../model/ids.js";
import type { QuotaLimit } from "../model/quota.js";
import type { CloudServer, Ownership } from "../model/server.js";
import type { Call } from "./call.js";

/**
 * One colo's cloud. Drivers keep no state that a restart may not lose: what counts is the cloud's
 * own. Every method throws `OutsideFault`s; `ambiguous` ones are looked up, never blindly repeated
 * (B4.5).
 */
export interface CloudDriver {
  readonly capabilities: CloudCapabilities;

  /**
   * The cloud's own id of the project that the account's credentials answer for; undefined: this
   * cloud has no projects. The service pins the account to it, and its requests carry it (B9.7).
   *
   * @throws OutsideFault `denied`: the credentials themselves are refused.
   */
  project(account: string, call: Call): Promise<string | undefined>;

  /** Asks for one server that carries `ownership` from its first moment on. */
  createServer(request: CreateServer, call: Call): Promise<MadeServer>;

  /** Asks for the server's end. A server that is gone already is success, told as "gone". */
  deleteServer(request: ServerRef, call: Call): Promise<"accepted" | "gone">;

  /** The one server; undefined only when the cloud says for certain that there is none (404). */
  getServer(request: ServerRef, call: Call): Promise<CloudServer | undefined>;

  /**
   * One page of the servers that carry this installation's tags, of one account. Pages until `next`
   * is undefined; a page that cannot be had throws, so that a partial listing is never taken for a
   * whole one (B4.3). Only what is still being built may be missing where there are several pages.
   */
  listServers(request: ListServers, call: Call): Promise<CloudPage>;

  /** Servers that carry this very intention's tag: how a lost answer is found again. */
  findByIntention(
    request: Pinned & { readonly server: string },
    call: Call,
  ): Promise<readonly CloudServer[]>;

  /**
   * Makes `ownership` the tags of one server, all of them; undefined takes them away, and the
   * server runs on (B8.1). Idempotent. Whose server it is, the caller has looked up right before.
   */
  tagServer(request: TagServer, call: Call): Promise<"tagged" | "gone">;

  /**
   * Problems of a launch configuration, those of each fallback flavor and zone included; empty when
   * it is valid. @throws when it cannot tell (B1.5).
   */
  checkLaunch(
    request: { readonly account: string; readonly launch: LaunchConfiguration },
    call: Call,
  ): Promise<readonly LaunchProblem[]>;

  /**
   * What bounds how many more servers like this one the account may have; a resource without a
   * limit is left out. Undefined: this cloud has no quotas. Absent: the driver cannot tell them.
   */
  quota?(
    request: Pinned & { readonly launch: LaunchConfiguration },
    call: Call,
  ): Promise<readonly QuotaLimit[] | undefined>;

  /**
   * The end of what the server has said on its console, for people who ask why it failed; "" where
   * it has said nothing. The service bounds and cleans it. Absent: the driver cannot tell.
   */
  consoleTail?(request: TailConsole, call: Call): Promise<string>;

  close(): Promise<void>;
}

export interface CloudCapabilities {
  /** How long after a create answered (or might have) the server may be missing from listings. */
  readonly listingLagMs: number;
  /** How long one create call may take at most. */
  readonly createDeadlineMs: number;
  /** Servers report a port of their own beside the host. */
  readonly reportsPort: boolean;
}

/**
 * For whom a call is made, and in which project: a driver whose credentials answer for another one
 * refuses with `denied`, and never answers "gone" or with an empty list instead (B9.7). `denied` is
 * for credentials alone: what the cloud refuses for the request's own sake is `badRequest`.
 */
export interface Pinned {
  readonly account: string;
  /** Undefined where the cloud has no projects. */
  readonly project?: string;
}

export interface CreateServer extends Pinned {
  readonly name: string;
  /** With the flavor that was chosen, and no others beside it (B4.7). */
  readonly launch: LaunchConfiguration;
  /** Undefined: the cloud chooses. */
  readonly zone?: string;
  readonly ownership: Ownership;
}

/** A server as its create was answered. */
export interface MadeServer extends CloudServer {
  /** The cloud's own id of the request, for its operators; as `OutsideFault.requestId`. */
  readonly requestId?: string;
}

export interface ServerRef extends Pinned {
  readonly id: CloudServerId;
}

export interface TailConsole extends ServerRef {
  /** Of the newest lines; more may be answered. */
  readonly linesMax: number;
}

export interface TagServer extends ServerRef {
  readonly ownership: Ownership | undefined;
}

export interface ListServers extends Pinned {
  readonly installation: string;
  /** Opaque, from the page before; undefined asks for the first. */
  readonly cursor?: string;
}

export interface CloudPage {
  readonly servers: readonly CloudServer[];
  readonly next?: string;
}

export interface LaunchProblem {
  /** Path below `launch_configuration`, e.g. `parameters.command`. */
  readonly field: string;
  readonly description: string;
}
