import { defineCloudDriver } from "../../core/ports/driver.js";
import { createSimulatedCloud, type SimulatedCloudOptions } from "./simulated-cloud.js";
import { credentialsSchema, withCredentials } from "./with-credentials.js";

export { type Capacity, createFront, type Front, serveThrough } from "./capacity/front.js";
export type { Condition } from "./capacity/station.js";
export type { Second } from "./capacity/tally.js";
export { forkChance } from "./chance.js";
export type {
  FaultScope,
  FaultSwitch,
  Operation,
  SimulatedFault,
} from "./faults.js";
export {
  createSimulatedCloud,
  type SimulatedCloud,
  type SimulatedCloudOptions,
} from "./simulated-cloud.js";
export { withCredentials } from "./with-credentials.js";
export type { CallRecord, EffectRecord } from "./witness.js";

const spread = {
  type: "object",
  additionalProperties: false,
  required: ["fromMs", "toMs"],
  properties: {
    fromMs: { type: "integer", minimum: 0 },
    toMs: { type: "integer", minimum: 0 },
  },
} as const;

const share = { type: "number", minimum: 0, maximum: 1 } as const;

/** The same as `Capacity`. */
const capacity = {
  type: "object",
  additionalProperties: false,
  required: ["workers", "serviceMs", "queueMax", "refuseWith"],
  description: "What it can do at most; without it, as much as anybody asks for.",
  properties: {
    workers: { type: "integer", minimum: 1 },
    serviceMs: { type: "number", exclusiveMinimum: 0 },
    queueMax: { type: "integer", minimum: 0 },
    refuseWith: { enum: ["throttled", "temporary"] },
    retryAfterMs: { type: "integer", minimum: 0 },
    tenants: {
      type: "object",
      additionalProperties: false,
      required: ["perSecond", "patienceMs", "retryMs", "attemptsMax"],
      properties: {
        perSecond: { type: "number", exclusiveMinimum: 0 },
        patienceMs: { type: "integer", minimum: 1 },
        retryMs: { type: "integer", minimum: 0 },
        attemptsMax: { type: "integer", minimum: 1, maximum: 100 },
      },
    },
  },
} as const;

type Options = Omit<SimulatedCloudOptions, "clock" | "random"> & {
  readonly buildErrorShare?: number;
  readonly createAnswerLostShare?: number;
  readonly createRefusedShare?: number;
  readonly needsCredentials?: boolean;
};

/**
 * A cloud that exists only in memory, on the host's clock and chance: for simulation and
 * experiments. What it made is gone when it is closed; tests that restart Muster hold the cloud
 * themselves, with `createSimulatedCloud`.
 */
export default defineCloudDriver<Options>({
  name: "simulated",
  apiVersion: 1,
  optionsSchema: {
    type: "object",
    additionalProperties: false,
    properties: {
      buildMs: { ...spread, description: "How long servers build." },
      deleteMs: { ...spread, description: "How long servers take to go." },
      latencyMs: { ...spread, description: "How long every call takes." },
      listingLagMs: { type: "integer", minimum: 0 },
      createDeadlineMs: { type: "integer", minimum: 1 },
      pageServersMax: { type: "integer", minimum: 1, maximum: 1_000 },
      quota: { type: "integer", minimum: 0, description: "Servers per account." },
      cells: { type: "integer", minimum: 1 },
      hasProjects: { type: "boolean", description: "Whether accounts have projects." },
      needsCredentials: { type: "boolean", description: "Whether accounts need their own." },
      capacity,
      buildErrorShare: { ...share, description: "Builds that end in ERROR." },
      createAnswerLostShare: { ...share, description: "Creates done without an answer." },
      createRefusedShare: { ...share, description: "Creates refused for want of capacity." },
    },
  },
  credentialsSchema,
  diagnose: async () => [
    {
      ...{ subject: "simulated cloud", state: "warning", say: "its servers are in memory alone" },
      fix: "use it for experiments, and a real cloud for work",
    },
  ],
  async open(options, { clock, ids, credentials }) {
    const { buildErrorShare, createAnswerLostShare, createRefusedShare, ...others } = options;
    const { needsCredentials, ...rest } = others;
    const cloud = createSimulatedCloud({ ...rest, clock, random: ids.random });
    if (buildErrorShare)
      cloud.inject(
        { kind: "buildError", text: "No valid host was found." },
        { share: buildErrorShare },
      );
    if (createAnswerLostShare)
      cloud.inject({ kind: "answerLost", on: "create" }, { share: createAnswerLostShare });
    if (createRefusedShare)
      cloud.inject(
        { kind: "refuse", on: ["create"], with: "noCapacity" },
        { share: createRefusedShare },
      );
    const driver = cloud.openDriver();
    return needsCredentials ? withCredentials(driver, credentials) : driver;
  },
});
