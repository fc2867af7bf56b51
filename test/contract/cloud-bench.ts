import assert from "node:assert/strict";
import { setMaxListeners } from "node:events";
import { OutsideFault, type OutsideFaultKind } from "../../src/core/errors/outside-fault.js";
import type { LaunchConfiguration } from "../../src/core/model/group.js";
import type { CloudServerId } from "../../src/core/model/ids.js";
import type { CloudServer } from "../../src/core/model/server.js";
import type { Call } from "../../src/core/ports/call.js";
import type { CloudDriver, ListServers } from "../../src/core/ports/cloud.js";
import type { CloudUnderTest } from "./cloud-harness.js";

/** One case's drivers, and what its questions have in common. */
export type Bench = Awaited<ReturnType<typeof openBench>>;

export async function openBench(cloud: CloudUnderTest, call: Call) {
  setMaxListeners(0, call.signal); // All of a case's calls listen to the same one.
  const drivers: CloudDriver[] = [];
  const open = async (): Promise<CloudDriver> => {
    const opened = await cloud.openDriver();
    drivers.push(opened);
    return opened;
  };
  const driver = await open();
  const { installation, accounts, colo, pollMs = pollMsDefault } = cloud;
  const cheapest = cloud.addressless ?? cloud.launch;

  /** Asks again and again, for so long as the cloud may need. */
  const within = async <Answer>(ms: number, ask: () => Promise<Answer | undefined>) => {
    for (let passedMs = 0; passedMs <= ms + pollMs; passedMs += pollMs) {
      const answer = await ask();
      if (answer !== undefined) return answer;
      await cloud.pass(pollMs);
    }
    throw new assert.AssertionError({ message: `did not come about within ${ms} ms` });
  };
  const requestOf = (server: string, account: string, launch: LaunchConfiguration) => {
    const ownership = { installation, account, group: "g", colo, server, launchRevision: 3 };
    return { account, name: `muster-${server}`, launch, ownership };
  };
  const listing = () => ({ account: accounts[0], installation });

  return {
    ...{ cloud, driver, call, open, within, listing },
    request: (server: string, account: string = accounts[0]) =>
      requestOf(server, account, cheapest),
    /** With an address, where there are any. */
    addressed: (server: string) => requestOf(server, accounts[0], cloud.launch),
    async active(id: CloudServerId, account: string = accounts[0], through = driver) {
      return await within(cloud.activeWithinMs, async () => {
        const server = await through.getServer({ account, id }, call);
        assert.ok(server, `${id} is gone`);
        assert.notEqual(server.status, "ERROR", server.fault);
        return server.status === "ACTIVE" ? server : undefined;
      });
    },
    async gone(id: CloudServerId, through = driver) {
      await within(cloud.goneWithinMs, async () => {
        const server = await through.getServer({ account: accounts[0], id }, call);
        return server === undefined ? true : undefined;
      });
    },
    async listedWithinLag(...ids: readonly CloudServerId[]): Promise<CloudServer> {
      return await within(driver.capabilities.listingLagMs, async () => {
        const listed = await listAll(driver, listing(), call);
        const all = ids.every((id) => listed.some((one) => one.id === id));
        return all ? listed.find((one) => one.id === ids[0]) : undefined;
      });
    },
    async close() {
      for (const opened of drivers) await opened.close();
      await cloud.stop();
    },
  };
}

/** Runs one case on a fresh cloud; without what it needs of the harness it is skipped. */
export type Check = (
  title: string,
  body: (bench: Bench) => Promise<void>,
  isOffered?: boolean,
) => void;

const pollMsDefault = 20;
const pagesMax = 1_000;

/** Every page, with a bound. */
export async function listAll(
  driver: CloudDriver,
  listing: ListServers,
  call: Call,
  afterPage: () => Promise<void> = async () => {},
): Promise<readonly CloudServer[]> {
  const servers: CloudServer[] = [];
  let cursor: string | undefined;
  for (let page = 0; page < pagesMax; page++) {
    const asked = cursor === undefined ? listing : { ...listing, cursor };
    const { servers: more, next } = await driver.listServers(asked, call);
    servers.push(...more);
    await afterPage();
    if (next === undefined) return servers;
    cursor = next;
  }
  throw new assert.AssertionError({ message: `the listing has no end after ${pagesMax} pages` });
}

/** The call must throw an OutsideFault, of this kind where one is named. */
export async function refused(work: () => Promise<unknown>, kind?: OutsideFaultKind) {
  let thrown: unknown;
  await assert.rejects(
    async () => {
      await work();
    },
    (error) => {
      thrown = error;
      return true;
    },
  );
  assert.ok(thrown instanceof OutsideFault, `not an OutsideFault: ${String(thrown)}`);
  assert.ok(kinds.has(thrown.kind));
  if (kind !== undefined) assert.equal(thrown.kind, kind, thrown.message);
  return thrown;
}

const kinds: ReadonlySet<OutsideFaultKind> = new Set([
  ...(["throttled", "temporary", "noCapacity", "quota", "badRequest"] as const),
  ...(["notFound", "conflict", "denied", "unknown"] as const),
]);
