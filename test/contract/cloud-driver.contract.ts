import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { CloudServerId } from "../../src/core/model/ids.js";
import type { Call } from "../../src/core/ports/call.js";
import { type Bench, type Check, listAll, openBench, refused } from "./cloud-bench.js";
import type { CloudHarness } from "./cloud-harness.js";
import { projectCases } from "./cloud-project-cases.js";
import { zoneCases } from "./cloud-zone-cases.js";

export type { CloudHarness, CloudUnderTest, InjectedFault } from "./cloud-harness.js";

/** What every cloud driver must keep of `CloudDriver`'s promises. */
export function cloudDriverContract(name: string, harness: CloudHarness): void {
  const check = (title: string, body: (bench: Bench) => Promise<void>, isOffered = true) =>
    test(title, { skip: !isOffered && "the harness cannot do this" }, async (t) => {
      const cloud = await harness.start();
      const bench = await openBench(cloud, { signal: t.signal });
      try {
        await body(bench);
      } finally {
        await bench.close();
      }
    });

  describe(`CloudDriver contract: ${name}`, { concurrency: 1 }, () => {
    ownershipCases(check);
    endingCases(check);
    listingCases(check);
    taggingCases(check);
    launchCases(check, harness);
    faultCases(check, harness);
    projectCases(check, harness);
    zoneCases(check);
  });
}

function ownershipCases(check: Check): void {
  check("CLOUD-01 a server carries its ownership from its first moment", async (bench) => {
    const { cloud, driver, call } = bench;
    const request = bench.request("first");
    const made = await driver.createServer(request, call);
    assert.deepEqual(made.ownership, request.ownership);
    assert.equal(made.name, request.name);
    const got = await driver.getServer({ account: cloud.accounts[0], id: made.id }, call);
    assert.deepEqual(got?.ownership, request.ownership);
    const listed = await bench.listedWithinLag(made.id);
    assert.deepEqual(listed.ownership, request.ownership);
    assert.ok(Math.abs(listed.createdAtMs - made.createdAtMs) <= 60_000); // Or as it builds.
  });

  check("CLOUD-02 a server becomes ACTIVE and tells its address", async (bench) => {
    const { cloud, driver, call } = bench;
    const made = await driver.createServer(bench.addressed("active"), call);
    const active = await bench.active(made.id);
    assert.ok(active.address && active.address.host !== "");
    assert.equal(active.address.port > 0, driver.capabilities.reportsPort);
    const { listingLagMs, createDeadlineMs } = driver.capabilities;
    assert.ok(Number.isFinite(listingLagMs) && listingLagMs >= 0);
    assert.ok(Number.isFinite(createDeadlineMs) && createDeadlineMs > 0);
    const again = await driver.getServer({ account: cloud.accounts[0], id: made.id }, call);
    assert.deepEqual(again?.address, active.address);
  });

  check("CLOUD-03 creates at the same time make different servers", async (bench) => {
    const { driver, call } = bench;
    const requests = Array.from({ length: 8 }, (_, index) => bench.addressed(`same-${index}`));
    const made = await Promise.all(requests.map((one) => driver.createServer(one, call)));
    assert.equal(new Set(made.map(({ id }) => id)).size, 8);
    const active = await Promise.all(made.map(({ id }) => bench.active(id)));
    const addresses = active.map(({ address }) => `${address?.host}:${address?.port}`);
    assert.equal(new Set(addresses).size, 8);
    const intentions = active.map(({ ownership }) => ownership?.server);
    assert.deepEqual(
      intentions,
      requests.map(({ ownership }) => ownership.server),
    );
  });

  check("CLOUD-04 a new driver over the same cloud sees everything", async (bench) => {
    const { cloud, driver, call } = bench;
    const made = await driver.createServer(bench.request("restart"), call);
    const active = await bench.active(made.id);
    await bench.listedWithinLag(made.id);
    await driver.close();
    const next = await bench.open();
    const ref = { account: cloud.accounts[0], id: made.id };
    assert.deepEqual(await next.getServer(ref, call), active);
    const listed = (await listAll(next, bench.listing(), call)).map(({ id }) => id);
    assert.deepEqual(listed, [made.id]);
    const intention = { account: cloud.accounts[0], server: "restart" };
    assert.equal((await next.findByIntention(intention, call))[0]?.id, made.id);
    assert.equal(await next.deleteServer(ref, call), "accepted");
    await bench.gone(made.id, next);
  });
}

function endingCases(check: Check): void {
  check("CLOUD-05 a delete ends a server, and what is gone is gone successfully", async (bench) => {
    const { cloud, driver, call } = bench;
    const made = await driver.createServer(bench.request("short"), call);
    const stays = await driver.createServer(bench.request("stays"), call);
    await bench.active(made.id);
    const ref = { account: cloud.accounts[0], id: made.id };
    await driver.deleteServer(ref, call);
    await driver.deleteServer(ref, call); // Once more on its way is no error either.
    await bench.gone(made.id);
    assert.equal(await driver.deleteServer(ref, call), "gone");
    const listed = (await listAll(driver, bench.listing(), call)).map(({ id }) => id);
    assert.ok(!listed.includes(made.id));
    assert.equal((await bench.active(stays.id)).id, stays.id);
  });

  check("CLOUD-06 a server that is still building can be deleted", async (bench) => {
    const { cloud, driver, call } = bench;
    const made = await driver.createServer(bench.request("unborn"), call);
    await driver.deleteServer({ account: cloud.accounts[0], id: made.id }, call);
    await bench.gone(made.id);
  });

  check("CLOUD-07 a server that never was is undefined, and gone", async (bench) => {
    const { cloud, driver, call } = bench;
    const made = await driver.createServer(bench.request("model"), call);
    await driver.deleteServer({ account: cloud.accounts[0], id: made.id }, call);
    await bench.gone(made.id);
    for (const id of [made.id, "no-such-server" as CloudServerId]) {
      const ref = { account: cloud.accounts[0], id };
      assert.equal(await driver.getServer(ref, call), undefined);
      assert.equal(await driver.deleteServer(ref, call), "gone");
    }
  });
}

function listingCases(check: Check): void {
  check("CLOUD-08 pages are complete and stable while others create", async (bench) => {
    const { cloud, driver, call } = bench;
    const names = Array.from({ length: cloud.manyServers }, (_, index) => `many-${index}`);
    const create = (name: string) => driver.createServer(bench.request(name), call);
    const made = await Promise.all(names.map(create));
    await bench.listedWithinLag(...made.map(({ id }) => id));
    for (const { id } of made) await bench.active(id); // What still builds may change its list.
    const other = await bench.open();
    let pages = 0;
    const listed = await listAll(driver, bench.listing(), call, async () => {
      pages += 1;
      await other.createServer(bench.request(`meanwhile-${pages}`), call);
    });
    assert.ok(pages > 1, "the listing took but one page");
    const ids = listed.map(({ id }) => id);
    assert.equal(new Set(ids).size, ids.length, "a server was listed twice");
    for (const { id } of made) assert.ok(ids.includes(id), `${id} was not listed`);
  });

  check("CLOUD-09 an intention's server is found within the listing lag", async (bench) => {
    const { cloud, driver, call } = bench;
    const [account] = cloud.accounts;
    const made = await driver.createServer(bench.request("wanted"), call);
    await driver.createServer(bench.request("other"), call);
    const found = await bench.within(driver.capabilities.listingLagMs, async () => {
      const servers = await driver.findByIntention({ account, server: "wanted" }, call);
      return servers.length > 0 ? servers : undefined;
    });
    assert.deepEqual(
      found.map(({ id }) => id),
      [made.id],
    );
    assert.deepEqual(await driver.findByIntention({ account, server: "want" }, call), []);
  });

  check("CLOUD-10 only this installation's servers are listed", async (bench) => {
    const { driver, call } = bench;
    const mine = await driver.createServer(bench.request("mine"), call);
    const request = bench.request("theirs");
    const ownership = { ...request.ownership, installation: "someone-else" };
    const theirs = await driver.createServer({ ...request, ownership }, call);
    await bench.listedWithinLag(mine.id);
    await bench.cloud.pass(driver.capabilities.listingLagMs);
    const listed = await listAll(driver, bench.listing(), call);
    assert.deepEqual(
      listed.map(({ id }) => id),
      [mine.id],
    );
    const elsewhere = { ...bench.listing(), installation: "someone-else" };
    const others = await listAll(driver, elsewhere, call);
    assert.deepEqual(
      others.map(({ id }) => id),
      [theirs.id],
    );
  });

  check("CLOUD-11 accounts are kept apart", async (bench) => {
    const { cloud, driver, call } = bench;
    const [one, two] = cloud.accounts;
    const mine = await driver.createServer(bench.request("shared", one), call);
    const theirs = await driver.createServer(bench.request("shared", two), call);
    await cloud.pass(driver.capabilities.listingLagMs);
    for (const [account, own, foreign] of [
      [one, mine.id, theirs.id],
      [two, theirs.id, mine.id],
    ] as const) {
      const listed = await listAll(driver, { ...bench.listing(), account }, call);
      assert.deepEqual(
        listed.map(({ id }) => id),
        [own],
      );
      const found = await driver.findByIntention({ account, server: "shared" }, call);
      assert.deepEqual(
        found.map(({ id }) => id),
        [own],
      );
      assert.equal(await driver.getServer({ account, id: foreign }, call), undefined);
      assert.equal(await driver.deleteServer({ account, id: foreign }, call), "gone");
    }
    await bench.active(mine.id);
    await bench.active(theirs.id, two);
  });

  check("CLOUD-12 a cursor that is none is refused, not taken for the beginning", async (bench) => {
    const { driver, call } = bench;
    const listing = { ...bench.listing(), cursor: "no cursor of any cloud" };
    await refused(() => driver.listServers(listing, call), "badRequest");
  });
}

function taggingCases(check: Check): void {
  check("CLOUD-21 tags can be replaced, and everything goes by the new ones", async (bench) => {
    const { cloud, driver, call } = bench;
    const made = await driver.createServer(bench.request("before"), call);
    await Promise.all([bench.active(made.id), bench.listedWithinLag(made.id)]);
    const ref = { account: cloud.accounts[0], id: made.id };
    const { ownership } = bench.request("after");
    assert.equal(await driver.tagServer({ ...ref, ownership }, call), "tagged");
    assert.equal(await driver.tagServer({ ...ref, ownership }, call), "tagged");
    for (const through of [driver, await bench.open()]) {
      assert.deepEqual((await through.getServer(ref, call))?.ownership, ownership);
      const find = (server: string) =>
        through.findByIntention({ account: ref.account, server }, call);
      assert.deepEqual(await find("before"), []);
      assert.deepEqual(
        (await find("after")).map(({ id }) => id),
        [made.id],
      );
    }
    assert.deepEqual((await bench.listedWithinLag(made.id)).ownership, ownership);
    assert.equal((await bench.active(made.id)).name, made.name);
  });

  check(
    "CLOUD-22 a server without tags runs on, unlisted, and can be tagged anew",
    async (bench) => {
      const { cloud, driver, call } = bench;
      const request = bench.request("released");
      const made = await driver.createServer(request, call);
      await Promise.all([bench.active(made.id), bench.listedWithinLag(made.id)]);
      const ref = { account: cloud.accounts[0], id: made.id };
      await driver.tagServer({ ...ref, ownership: undefined }, call);
      await driver.tagServer({ ...ref, ownership: undefined }, call);
      for (const through of [driver, await bench.open()]) {
        const bare = await bench.active(made.id, cloud.accounts[0], through);
        assert.equal(bare.ownership, undefined);
        assert.deepEqual(await listAll(through, bench.listing(), call), []);
        const intention = { account: cloud.accounts[0], server: "released" };
        assert.deepEqual(await through.findByIntention(intention, call), []);
      }
      await driver.tagServer({ ...ref, ownership: request.ownership }, call);
      assert.deepEqual((await bench.listedWithinLag(made.id)).ownership, request.ownership);
    },
  );

  check("CLOUD-23 only the account's own servers can be tagged", async (bench) => {
    const { cloud, driver, call } = bench;
    const [one, two] = cloud.accounts;
    const request = bench.request("mine", one);
    const made = await driver.createServer(request, call);
    await bench.active(made.id);
    const stolen = { account: two, id: made.id, ownership: bench.request("x", two).ownership };
    assert.equal(await driver.tagServer(stolen, call), "gone");
    const ref = { account: one, id: made.id };
    const late: Call = { signal: AbortSignal.abort() };
    await refused(() => driver.tagServer({ ...ref, ownership: undefined }, late));
    assert.deepEqual((await driver.getServer(ref, call))?.ownership, request.ownership);
    await driver.deleteServer(ref, call);
    await bench.gone(made.id);
    assert.equal(await driver.tagServer({ ...ref, ownership: undefined }, call), "gone");
  });
}

function launchCases(check: Check, { offers }: CloudHarness): void {
  const arrival = "CLOUD-13 metadata and user data arrive unchanged";
  const checkArrival = async ({ cloud, driver, call, ...bench }: Bench) => {
    const metadata = { ...cloud.launch.metadata, text: 'ä € "quoted" $HOME `x` \\ {port}' };
    const userData = "#!/bin/sh\necho 'line two' \"$HOME\" ä\n\ttabs, and no newline at the end";
    const launch = { ...cloud.launch, metadata, userData };
    const made = await driver.createServer({ ...bench.request("luggage"), launch }, call);
    const arrived = await cloud.arrived?.(await bench.active(made.id));
    assert.deepEqual(arrived, { metadata, userData });
  };
  check(arrival, checkArrival, offers.arrived);

  check(
    "CLOUD-14 a valid launch has no problems, an invalid one names its field",
    async (bench) => {
      const { cloud, driver, call } = bench;
      const [account] = cloud.accounts;
      assert.deepEqual(await driver.checkLaunch({ account, launch: cloud.launch }, call), []);
      const { launch, field } = cloud.invalidLaunch;
      const problems = await driver.checkLaunch({ account, launch }, call);
      assert.ok(problems.some((one) => one.field === field && one.description !== ""));
    },
  );

  check("CLOUD-15 an invalid launch is refused and nothing is made", async (bench) => {
    const { cloud, driver, call } = bench;
    const { launch } = cloud.invalidLaunch;
    const request = { ...bench.request("invalid"), launch };
    const fault = await refused(() => driver.createServer(request, call), "badRequest");
    assert.equal(fault.ambiguous, false);
    await cloud.pass(driver.capabilities.listingLagMs);
    assert.deepEqual(await listAll(driver, bench.listing(), call), []);
  });
}

function faultCases(check: Check, { offers }: CloudHarness): void {
  check("CLOUD-16 a call that was aborted before it began does nothing", async (bench) => {
    const { cloud, driver, call } = bench;
    const [account] = cloud.accounts;
    const made = await driver.createServer(bench.request("kept"), call);
    await bench.active(made.id);
    const late: Call = { signal: AbortSignal.abort() };
    await refused(() => driver.createServer(bench.request("too-late"), late));
    await refused(() => driver.deleteServer({ account, id: made.id }, late));
    await refused(() => driver.getServer({ account, id: made.id }, late));
    await refused(() => driver.listServers(bench.listing(), late));
    await cloud.pass(driver.capabilities.listingLagMs);
    assert.deepEqual(await driver.findByIntention({ account, server: "too-late" }, call), []);
    assert.equal((await bench.active(made.id)).taskState, undefined);
  });

  check("CLOUD-17 a closed driver refuses, and its cloud goes on", async (bench) => {
    const { cloud, driver, call } = bench;
    const made = await driver.createServer(bench.request("survivor"), call);
    await driver.close();
    await driver.close();
    await refused(() => driver.createServer(bench.request("after"), call));
    await refused(() => driver.getServer({ account: cloud.accounts[0], id: made.id }, call));
    assert.equal((await bench.active(made.id, cloud.accounts[0], await bench.open())).id, made.id);
  });

  const lostAnswer = async ({ cloud, driver, call, ...bench }: Bench) => {
    const fault = await cloud.loseCreateAnswer?.();
    const told = await refused(() => driver.createServer(bench.request("lost"), call));
    assert.equal(told.ambiguous, true, "a create that may have happened is ambiguous");
    assert.equal(await fault?.fired(), 1);
    const found = await bench.within(driver.capabilities.listingLagMs, async () => {
      const intention = { account: cloud.accounts[0], server: "lost" };
      return (await driver.findByIntention(intention, call))[0];
    });
    assert.equal((await bench.active(found.id)).ownership?.server, "lost");
  };
  check(
    "CLOUD-18 a create whose answer was lost is ambiguous, and found by its intention",
    lostAnswer,
    offers.loseCreateAnswer,
  );

  const refusals = async ({ cloud, driver, call, ...bench }: Bench) => {
    const made = await driver.createServer(bench.request("target"), call);
    await bench.active(made.id);
    const ref = { account: cloud.accounts[0], id: made.id };
    const attempts = {
      create: () => driver.createServer(bench.request("refused"), call),
      delete: () => driver.deleteServer(ref, call),
      get: () => driver.getServer(ref, call),
      list: () => driver.listServers(bench.listing(), call),
    };
    for (const operation of ["create", "delete", "get", "list"] as const)
      for (const kind of ["throttled", "temporary", "denied"] as const) {
        const fault = await cloud.refuse?.({ operation, kind, retryAfterMs: 7_000 });
        const told = await refused(attempts[operation], kind);
        if (kind === "throttled") assert.equal(told.retryAfterMs, 7_000);
        assert.equal(await fault?.fired(), 1, `${operation} ${kind} did not fire`);
        await fault?.off();
      }
    assert.equal((await bench.active(made.id)).taskState, undefined);
  };
  check("CLOUD-19 a refusal is thrown as what it is, never as absence", refusals, offers.refuse);

  const failingPage = async ({ cloud, driver, call, ...bench }: Bench) => {
    const requests = Array.from({ length: cloud.manyServers }, (_, index) =>
      bench.request(`page-${index}`),
    );
    await Promise.all(requests.map((one) => driver.createServer(one, call)));
    await cloud.pass(driver.capabilities.listingLagMs);
    const fault = await cloud.failPage?.();
    await refused(() => listAll(driver, bench.listing(), call));
    assert.equal(await fault?.fired(), 1);
    await fault?.off();
    assert.equal((await listAll(driver, bench.listing(), call)).length, cloud.manyServers);
  };
  check("CLOUD-20 a page that cannot be had fails the listing", failingPage, offers.failPage);
}
