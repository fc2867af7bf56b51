import type { PortRange } from "./ports.js";

export interface ProcessCloudOptions {
  readonly bootDelayMs: number;
  /** Share of the builds that end in ERROR, in [0, 1]. */
  readonly buildFailureRate: number;
  /** Servers of all accounts at most. */
  readonly quota: number;
  /** Inclusive. */
  readonly portRange: PortRange;
  readonly stopGraceMs: number;
  readonly path: string;
  readonly pageServersMax: number;
}
