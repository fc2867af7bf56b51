import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { Difference } from "../../../src/core/model/difference.js";
import type { EventType } from "../../../src/core/model/event.js";
import type { GroupKey } from "../../../src/core/model/ids.js";
import type { Ownership, ServerRow, ServerState } from "../../../src/core/model/server.js";
import { marksOf } from "../../../src/drivers/cloud-openstack/ownership.js";
import { useGroups } from "../groups.js";
import { caller, colo } from "../muster.js";
import { accounts } from "../nova-harness.js";
import { listServers } from "../servers.js";
import { lookAt, makeCopy, makeStrangers, type Stranger } from "../strangers.js";

const size = 10;
const lostShare = 0.2;
/** A server that nova-api had only written down when it was killed stays in BUILD for ever. */
const buildTimeoutMs = 120_000;

describe("lost answers on the real Nova", { timeout: 1_200_000 }, () => {
  const groups = useGroups({ name: "lost", accounts, waitMsMax: 600_000 });
  const { prefix, setTarget, standing } = groups;
  const keysOf = (account: (typeof accounts)[number]) =>
    ["a", "b", "c"].map((name) => groups.key(name, account));
  const keys = accounts.flatMap(keysOf);
  const until = (isSo: () => Promise<boolean>, everyMs?: number) =>
    groups.until(keys, isSo, everyMs);
  const rowsOf = async (key: GroupKey, states: readonly ServerState[] = []) => {
    const request = { key, pageSize: 1_000, states };
    const { items } = await groups.muster.supervisor.servers.list(request, caller());
    return items.map(({ row }) => row);
  };
  const countOf = async (states: readonly ServerState[]) =>
    (await Promise.all(keys.map((key) => rowsOf(key, states)))).flat().length;

  const arrives = (some: readonly GroupKey[], target: number) =>
    until(async () => {
      const all = await Promise.all(some.map(standing));
      return all.every(
        ({ inService, pending, leaving }) => inService === target && pending + leaving === 0,
      );
    });
  const scale = async (some: readonly GroupKey[], target: number) => {
    await Promise.all(some.map((key) => setTarget(key, target)));
    await arrives(some, target);
  };

  const ownershipOf = ({ account, group }: GroupKey, row: ServerRow): Ownership => ({
    ...{ installation: groups.installation, account, group, colo, server: row.id },
    launchRevision: row.launchRevision,
  });
  /** The account's one server of a group, as Nova has it. */
  const onlyOf = async (key: GroupKey) => {
    const [row, ...more] = await rowsOf(key);
    assert.ok(row && more.length === 0);
    const listed = await listServers(groups.bed.callers[accountOf(key)], prefix);
    const server = listed.find(({ id }) => id === row.cloudId);
    assert.ok(server);
    return { server, own: ownershipOf(key, row) };
  };
  const audit = async () => {
    const differences: Difference[] = [];
    for await (const batch of groups.muster.supervisor.colos.audit({ colo }, caller()))
      differences.push(...batch.differences);
    return differences;
  };
  const messagesOf = async (...types: readonly EventType[]) => {
    const search = (account: string) =>
      groups.muster.supervisor.events.search(
        { account, types, order: "oldestFirst", eventsMax: 100 },
        caller(),
      );
    const pages = await Promise.all(accounts.map(search));
    return pages.flatMap(({ events }) => events.map(({ message }) => message));
  };
  const isStranger = (strangers: readonly Stranger[], id: unknown) =>
    strangers.some((one) => one.id === id);

  /** Nova's own listing of both projects, held against the ledger, server by server. */
  async function assertAgree(strangers: readonly Stranger[], target: number) {
    for (const account of accounts) {
      const listed = await listServers(groups.bed.callers[account], prefix);
      const ledger = await Promise.all(
        keysOf(account).map(async (key) => {
          const rows = (await rowsOf(key)).filter(({ state }) => state !== "abandoned");
          assert.equal(rows.length, target, key.group);
          return rows.map((row) => {
            const { metadata, tags } = marksOf(ownershipOf(key, row));
            return { id: row.cloudId, status: "ACTIVE", metadata, tags: tags.toSorted() };
          });
        }),
      );
      const own = listed
        .filter(({ id }) => !isStranger(strangers, id))
        .map(({ id, status, metadata, tags }) => ({ id, status, metadata, tags: tags.toSorted() }));
      assert.deepEqual(own.toSorted(byId), ledger.flat().toSorted(byId));
    }
  }

  /** Of this Muster's changes a fifth is done, and not answered; the others are counted. */
  async function loseAnswers() {
    const match = { agent: groups.installation, method: "POST|DELETE" };
    const half = lostShare / 2;
    await groups.bed.faults.set("nova", [
      { match, share: half, isDone: true, cut: true },
      { match, share: half / (1 - half), isDone: true, status: 503 },
      { match },
    ]);
  }
  async function answersTo(method: string) {
    const all = (await groups.bed.faults.fired("nova")).filter((one) => one["method"] === method);
    const lost = all.filter(({ rule }) => rule < 2).length;
    return { all: all.length, lost, share: lost / all.length };
  }
  const assertLost = async (method: string, times: number) => {
    const { all, lost, share } = await answersTo(method);
    assert.ok(lost >= times && share > lostShare / 3 && share < lostShare * 2, `${lost} of ${all}`);
    return `${lost} of ${all} answers to ${method}`;
  };

  /** Ends nova-api amid creates; what it had begun may be done or not. */
  async function restartNova() {
    const callsBefore = (await answersTo("POST")).all;
    await until(
      async () =>
        (await countOf(["intended"])) > 0 && (await answersTo("POST")).all > callsBefore + 2,
      200,
    );
    await groups.bed.services.kill("nova-api");
    await sleep(2_000);
    const cut = await countOf(["intended", "unconfirmed"]);
    await groups.bed.services.start("nova-api");
    assert.ok(cut > 0, "no create was under way");
    const callsSince = (await answersTo("POST")).all;
    return { cut, goesOn: async () => (await answersTo("POST")).all > callsSince };
  }

  test("M6.1 M6.2 B4.5 B9.5 B9.6 six groups reach ten servers each while answers are lost and Nova restarts; what is not ours stays", async (t) => {
    const startedMs = performance.now();
    const tell = (text: string) =>
      t.diagnostic(`${text} after ${Math.round((performance.now() - startedMs) / 1_000)} s`);
    const strangers = new Map<(typeof accounts)[number], readonly Stranger[]>();
    const firsts = keys.filter(({ group }) => !group.endsWith("c"));
    const seconds = keys.filter(({ group }) => group.endsWith("b"));
    await Promise.all(
      keys.map((key) =>
        groups.create(key, { target: firsts.includes(key) ? 1 : 0, max: size, buildTimeoutMs }),
      ),
    );
    await arrives(firsts, 1);
    await Promise.all(
      accounts.map(async (account) => {
        const [alive, dead] = await Promise.all(firsts.filter(isOf(account)).map(onlyOf));
        const own = groups.bed.callers[account];
        const made = [
          makeStrangers(own, groups.bed.facts, alive!),
          makeCopy(own, groups.bed.facts, dead!.server),
        ];
        strangers.set(account, (await Promise.all(made)).flat());
      }),
    );
    await scale(seconds, 0);
    const all = [...strangers.values()].flat();
    tell(`${all.length} strangers`);
    await loseAnswers();
    await Promise.all(keys.map((key) => setTarget(key, size)));
    const first = await restartNova();
    const second = await restartNova();
    tell(`restarts amid ${first.cut} and ${second.cut} creates`);
    await arrives(keys, size);
    tell(`${keys.length} groups of ${size}: ${await assertLost("POST", 5)}`);
    assert.ok(await second.goesOn(), "all was done before the second restart");
    await groups.bed.faults.heal();
    await assertAgree(all, size);
    const differences = await audit();
    assert.deepEqual(
      differences.filter(({ cloudId }) => !isStranger(all, cloudId)),
      [],
    );
    const copies = all.filter(({ kind }) => kind === "copy");
    assert.deepEqual(
      differences.map(({ action, cloudId }) => `${action} ${cloudId}`).toSorted(),
      copies.map(({ id }) => `forPerson ${id}`).toSorted(),
    );

    await loseAnswers();
    await scale(keys, 0);
    tell(`nothing is left: ${await assertLost("DELETE", 5)}`);
    await groups.bed.faults.heal();
    await assertAgree(all, 0);
    for (const account of accounts) {
      const before = strangers.get(account)!;
      assert.deepEqual(await lookAt(groups.bed.callers[account], before), before);
    }
    assert.deepEqual(await messagesOf("invariant.violated", "group.quarantined"), []);
  });
});

const isOf = (account: string) => (key: GroupKey) => key.account === account;
const accountOf = ({ account }: GroupKey) => accounts.find((one) => one === account)!;
const byId = (a: { readonly id: unknown }, b: { readonly id: unknown }) =>
  String(a.id).localeCompare(String(b.id));
