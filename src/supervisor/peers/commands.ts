import type { AccountId } from "../../core/model/ids.js";
import type { Receipt } from "../../core/model/scale-event.js";
import type { FeedEntry } from "../../core/ports/store.js";
import type { GroupSpec, SubmitScaleEvent } from "../api.js";

export interface LaunchCheck {
  readonly account: AccountId;
  readonly spec: GroupSpec;
  readonly allowUnverified: boolean;
}

/**
 * What a node does for nodes of other colos, by name. Plain JSON both ways; each may be repeated
 * without doing more than once what it does.
 */
export interface PeerCommands {
  /** The part of the check in the placement at `index`; what could not be checked. */
  readonly "launch.check": {
    readonly request: LaunchCheck & { readonly index: number };
    readonly answer: readonly string[];
  };
  /** Events of the asked node's own feed behind a cursor of it: what did not arrive elsewhere. */
  readonly "feed.read": {
    readonly request: { readonly after: string; readonly entriesMax: number };
    readonly answer: readonly FeedEntry[];
  };
  readonly "scaling.submit": {
    readonly request: SubmitScaleEvent & { readonly requestId: string };
    readonly answer: Receipt;
  };
}

export type CommandName = keyof PeerCommands;
