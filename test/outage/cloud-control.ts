import type { Condition, Second } from "../../src/drivers/cloud-simulated/index.js";

/** The far end of `examples/outage/sick-cloud.ts`. */
export interface CloudControl {
  setCondition(condition: Partial<Condition>): Promise<void>;
  seconds(): Promise<readonly Second[]>;
}

export function controlOf(port: number): CloudControl {
  const base = `http://127.0.0.1:${port}`;
  return {
    async setCondition(condition) {
      const request = { method: "POST", body: JSON.stringify(condition) };
      await (await fetch(`${base}/condition`, request)).arrayBuffer();
    },
    seconds: async () => (await (await fetch(`${base}/seconds`)).json()) as readonly Second[],
  };
}
