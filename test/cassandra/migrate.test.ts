import assert from "node:assert/strict";
import { test } from "node:test";
import { isFault } from "../../src/core/errors/fault.js";
import { createSystemClock } from "../../src/drivers/clock-system/index.js";
import { createCassandraStore } from "../../src/drivers/store-cassandra/index.js";
import { migrate } from "../../src/drivers/store-cassandra/migrate.js";
import { tablesOf } from "../../src/drivers/store-cassandra/schema.js";
import { openSession } from "../../src/drivers/store-cassandra/session.js";
import { namesOf } from "../../src/supervisor/names-of.js";
import { commitOf, eventOf, patientCall, placement, row } from "../contract/store-samples.js";
import { firstNode, makeHome } from "./bed.js";

const clock = createSystemClock();
const call = patientCall();
const web = placement("web");
const colo = firstNode.dataCenter;
const forReal = { isDryRun: false };

test("M7.3 migrating again, and twice at once, harms nothing that is there", async () => {
  const home = await makeHome();
  const first = await createCassandraStore({ ...home, colo, clock });
  await first.commit(commitOf(web, 0, { puts: [row("a")], events: [eventOf(web, 1)] }), call);
  const head = await first.feedHead(call);
  await first.close();
  const replicas = { [firstNode.dataCenter]: 1 };
  const twice = await Promise.all([1, 2].map(() => migrate({ ...home, replicas }, forReal)));
  for (const { from, to, statements } of twice) {
    assert.equal(from, to);
    assert.deepEqual(statements, []);
  }
  const again = await createCassandraStore({ ...home, colo, clock });
  assert.deepEqual(await again.load(web, "all", call), {
    ...{ revision: 1, lastSequence: 1 },
    rows: [row("a")],
  });
  assert.equal(await again.feedHead(call), head);
  await again.close();
  await home.remove();
});

test("M7.3 tables of another version, or none, are refused and say what to do", async () => {
  const home = await makeHome();
  const session = await openSession(home);
  const setVersion = (version: string) =>
    session.define(
      `INSERT INTO ${home.keyspace}.facts (name, value) VALUES ('version', '${version}')`,
    );
  const refusal = async (keyspace = home.keyspace) => {
    const error = await createCassandraStore({ ...home, keyspace, colo, clock }).then(
      () => assert.fail("it was to be refused"),
      (reason: unknown) => reason,
    );
    assert.ok(isFault(error, "CONFIG_INVALID"), String(error));
    return error.message;
  };
  await setVersion("0");
  assert.match(await refusal(), /has no tables: run muster migrate/);
  await setVersion("99");
  assert.match(await refusal(), /newer Muster/);
  await assert.rejects(migrate({ ...home, replicas: { iad: 1 } }, forReal), /newer Muster/);
  assert.match(await refusal("no_such_keyspace"), /has no tables: run muster migrate/);
  assert.match(await refusal("x; DROP KEYSPACE y"), /^keyspace: /);
  await assert.rejects(
    migrate({ ...home, replicas: { "iad'": 1 } }, forReal),
    /^Fault: replicas: /,
  );
  await session.close();
  await home.remove();
});

test("M7.3 what an earlier version left in busy indexes is found, and goes", async (t) => {
  const home = await makeHome();
  t.after(() => home.remove());
  const session = await openSession(home);
  t.after(() => session.close());
  const { facts, hints, busyHints } = tablesOf(home.keyspace);
  await session.define(`DROP TABLE ${busyHints}`);
  await session.define(`INSERT INTO ${facts} (name, value) VALUES ('version', '1')`);
  const left = (name: string, key: string) =>
    session.define(`INSERT INTO ${hints} (name, key, value) VALUES ('${name}', '${key}', 'old')`);
  for (const name of ["asked/iad", "work/iad"]) await left(name, "acme/web");
  await left("asked/iad", "acme/db");
  const { from, to } = await migrate({ ...home, replicas: { [colo]: 1 } }, forReal);
  assert.deepEqual([from, to], [1, 2]);

  const store = await createCassandraStore({ ...home, colo, clock });
  t.after(() => store.close());
  const index = "asked/iad";
  const list = () => store.listHints({ index, afterKey: "", hintsMax: 10 }, call);
  await store.putHints([{ index, key: "acme/web", value: "new" }], call);
  const db = { index, key: "acme/db", value: "old" };
  assert.deepEqual(await list(), [db, { index, key: "acme/web", value: "new" }]);
  const names: string[] = [];
  for await (const name of namesOf(store, "indexes", call)) names.push(name);
  assert.deepEqual(names.toSorted(), ["asked/iad", "work/iad"]);
  await store.deleteHints([{ index, key: "acme/web" }], call);
  assert.deepEqual(await list(), [db]);
  await store.deleteHints([db], call);
  assert.deepEqual(await list(), []);
});

test("M7.3 a cluster that is not there is told as such, within the deadline", async () => {
  const nowhere = { contactPoints: ["127.0.0.1:1"], dataCenter: "iad", requestTimeoutMs: 2_000 };
  const opening = createCassandraStore({ ...nowhere, keyspace: "muster", colo, clock });
  await assert.rejects(opening, (error) => isFault(error, "STORE_UNAVAILABLE"));
});
