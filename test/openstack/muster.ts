import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createMuster, type Muster } from "../../src/app.js";
import type { AccountId, ColoId } from "../../src/core/model/ids.js";
import type { BedFacts } from "./bed-facts.js";
import { secretsOf } from "./nova-harness.js";

export const colo = "bed" as ColoId;

export const caller = () => ({ principal: "tester", signal: AbortSignal.timeout(60_000) });

/**
 * A Muster of this process whose one colo is the bed; the accounts' credentials are written.
 * Without brakes the admission is left out, and calls in flight are as good as unbounded.
 */
export async function startMuster(
  facts: BedFacts,
  {
    name,
    accounts,
    isBraked = true,
  }: { readonly name: string; readonly accounts: readonly string[]; readonly isBraked?: boolean },
): Promise<{
  readonly muster: Muster;
  /** By which the bed's faults tell its calls from others'. */
  readonly installation: string;
  stop(): Promise<void>;
}> {
  const { authUrl, region } = facts;
  const installation = `${name}-${randomUUID()}`;
  const dataDir = await mkdtemp(join(tmpdir(), `muster-${name}-`));
  const muster = await createMuster({
    ...{ dataDir, installation },
    colos: {
      [colo]: {
        cloud: { use: "builtin:openstack", options: { authUrl, region } },
        ...(isBraked ? {} : { concurrency: 1_000, admission: "off" }),
      },
    },
  });
  const secrets = secretsOf(facts);
  for (const account of accounts) {
    const { secret } = secrets.get(account)!;
    const ref = { account: account as AccountId, colo };
    await muster.supervisor.access.setCredentials({ ...ref, secret }, caller());
  }
  return {
    ...{ muster, installation },
    async stop() {
      await muster.stop();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}
