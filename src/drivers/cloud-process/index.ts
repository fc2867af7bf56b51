import { dirname, resolve } from "node:path";
import { defineCloudDriver } from "../../core/ports/driver.js";
import { diagnosePorts } from "./diagnose.js";
import type { ProcessCloudOptions } from "./options.js";
import { createProcessCloud } from "./process-cloud.js";

/**
 * A cloud of processes on this machine: every server is a real process with an address and a port
 * of its own, which outlives Muster and is found again. For development, demonstrations and tests.
 */
export default defineCloudDriver<Partial<ProcessCloudOptions>>({
  name: "process",
  apiVersion: 1,
  optionsSchema: {
    type: "object",
    additionalProperties: false,
    properties: {
      bootDelayMs: {
        type: "integer",
        minimum: 0,
        maximum: 3_600_000,
        description: "How long a server stays in BUILD.",
      },
      buildFailureRate: {
        type: "number",
        minimum: 0,
        maximum: 1,
        description: "Share of the builds that end in ERROR, for practice.",
      },
      quota: { type: "integer", minimum: 0, description: "Servers of all accounts at most." },
      portRange: {
        type: "object",
        additionalProperties: false,
        required: ["from", "to"],
        description: "Inclusive. Give colos on one machine ranges of their own.",
        properties: {
          from: { type: "integer", minimum: 1024, maximum: 65_535 },
          to: { type: "integer", minimum: 1024, maximum: 65_535 },
        },
      },
      stopGraceMs: {
        type: "integer",
        minimum: 0,
        maximum: 600_000,
        description: "From SIGTERM to SIGKILL.",
      },
      pageServersMax: { type: "integer", minimum: 1, maximum: 1_000 },
      path: { type: "string", minLength: 1, description: "The servers' PATH." },
    },
  },
  diagnose: async (options) => [diagnosePorts({ ...defaults, ...options })],
  async open(options, host) {
    const dataDir = resolve(host.dataDir); // Servers have another working folder than we.
    return await createProcessCloud({ ...defaults, ...options }, { ...host, dataDir });
  },
});

const defaults: ProcessCloudOptions = {
  bootDelayMs: 0,
  buildFailureRate: 0,
  quota: 1_000,
  portRange: { from: 20_000, to: 29_999 },
  stopGraceMs: 5_000,
  pageServersMax: 100,
  path: `${dirname(process.execPath)}:/usr/local/bin:/usr/bin:/bin`,
};
