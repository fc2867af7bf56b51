import type { OutsideFaultKind } from "../../../src/core/errors/outside-fault.js";
import type { CloudDriver } from "../../../src/core/ports/cloud.js";

/** What is asked of the cloud's process, each as a POST of its request to `/NAME`. */
export const methods = [
  ...(["project", "createServer", "deleteServer", "getServer", "listServers"] as const),
  ...(["findByIntention", "tagServer", "checkLaunch", "quota"] as const),
] satisfies readonly (keyof CloudDriver)[];

export type Method = (typeof methods)[number];

/** JSON both ways: with neither, the answer is `undefined`. */
export interface Answer {
  readonly value?: unknown;
  readonly fault?: {
    readonly kind: OutsideFaultKind;
    readonly message: string;
    readonly ambiguous: boolean;
  };
}

/** When the caller asked, in milliseconds since 1970: both sides have the same clock. */
export const askedAtHeader = "x-asked-at";

/** The cloud begins nothing that was asked for longer ago. */
export const beginMsMax = 1_500;
/** Nor does it take longer than this over one that it has begun. */
export const createDeadlineMs = 3_000;
