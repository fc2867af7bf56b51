import { randomUUID } from "node:crypto";
import { performance } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import type { Bed } from "../../test/openstack/bed.js";
import type { Scaler } from "./cloud.js";

/** Several times what it takes when it ends at all. */
const senlinMsMax = 300_000;

type Json = Readonly<Record<string, unknown>>;

/**
 * A cluster of Senlin's, whose nodes are what Muster's servers are. It belongs to another account:
 * Senlin acts by trusts, which restricted credentials cannot give.
 */
export async function openSenlin(
  { callers, facts }: Bed,
  { max, pollMs }: { readonly max: number; readonly pollMs: number },
): Promise<Scaler> {
  const { image, flavors, network } = facts;
  const name = `bench-${randomUUID().slice(0, 8)}`;

  async function call(method: string, path: string, body?: Json): Promise<Json> {
    const answer = await callers.other.call("clustering", method, `/v1${path}`, body);
    if (answer.status < 300) return answer.body;
    throw new Error(`Senlin answers ${method} ${path} with ${answer.status}: ${answer.text}`);
  }

  const properties = { name, image, flavor: flavors.tiny, networks: [{ network }] };
  const spec = { type: "os.nova.server", version: "1.0", properties };
  const profile = partOf(await call("POST", "/profiles", { profile: { name, spec } }), "profile");
  const size = { desired_capacity: 0, min_size: 0, max_size: max };
  const cluster = { name, profile_id: profile["id"], ...size };
  const made = partOf(await call("POST", "/clusters", { cluster }), "cluster");
  const path = `/clusters/${made["id"]}`;
  await until("is active", async () => {
    return partOf(await call("GET", path), "cluster")["status"] === "ACTIVE";
  });

  async function until(what: string, isSo: () => Promise<boolean>): Promise<void> {
    const end = performance.now() + senlinMsMax;
    while (!(await isSo())) {
      if (performance.now() > end) throw new Error(`Senlin's cluster never ${what}`);
      await sleep(pollMs);
    }
  }

  return {
    async scale(target) {
      const startMs = performance.now();
      const resize = { adjustment_type: "EXACT_CAPACITY", number: target, strict: false };
      const { action } = await call("POST", `${path}/actions`, { resize });
      await until(`has ${target} nodes`, async () => {
        const { status, status_reason } = partOf(await call("GET", `/actions/${action}`), "action");
        if (status === "FAILED" || status === "CANCELLED")
          throw new Error(`Senlin's resizing to ${target} ended: ${status_reason}`);
        return status === "SUCCEEDED";
      });
      return performance.now() - startMs;
    },
    async close() {
      await call("DELETE", path);
    },
  };
}

function partOf(body: Json, name: string): Json {
  return body[name] as Json;
}
