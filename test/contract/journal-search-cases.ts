import assert from "node:assert/strict";
import { isFault } from "../../src/core/errors/fault.js";
import { type JournalBench, type JournalCase, queryOf } from "./journal-harness.js";
import { eventOf, patientCall, placement } from "./store-samples.js";

const web = placement("web");
const call = patientCall();

/** Words in messages and facts. */
export function journalSearchCases(check: JournalCase): void {
  check("JOURNAL-20 all words must occur, in message or facts, in any case", async (bench) => {
    const find = await journalOf(bench, [
      { message: "Scaled OUT by policy cpu-high", facts: { oldTarget: 2, newTarget: 4 } },
      { message: "Server web-01 failed: No valid host", facts: { flavor: "m1.small" } },
      { message: "Server web-10 is in service", facts: { address: "10.0.0.7", drained: true } },
    ]);
    assert.deepEqual(await find("server"), [3, 2]);
    assert.deepEqual(await find("SERVER failed"), [2]);
    assert.deepEqual(await find("failed server no host"), [2]);
    assert.deepEqual(await find("server policy"), []);
    assert.deepEqual(await find("serv"), [], "a word is whole unless it ends in *");
    assert.deepEqual(await find("cpu-high 4"), [1]);
    assert.deepEqual(await find("newTarget"), [1]);
    assert.deepEqual(await find("10.0.0.7"), [3]);
    assert.deepEqual(await find("m1.small"), [2]);
    assert.deepEqual(await find("drained true"), [3]);
    assert.deepEqual(await find("  "), [3, 2, 1]);
    assert.deepEqual(await find("--"), [3, 2, 1], "nothing asked for");
  });

  check("JOURNAL-21 the last word may be a prefix", async (bench) => {
    const find = await journalOf(bench, [
      { message: "server web-01 drains" },
      { message: "server web-10 drained" },
      { message: "serve nothing" },
    ]);
    assert.deepEqual(await find("serv*"), [3, 2, 1]);
    assert.deepEqual(await find("server drain*"), [2, 1]);
    assert.deepEqual(await find("server drained*"), [2]);
    assert.deepEqual(await find("server web-0*"), [1]);
    assert.deepEqual(await find("server web-1*"), [2]);
    assert.deepEqual(await find("*"), [3, 2, 1]);
  });

  check("JOURNAL-22 a word with punctuation is found as it stands", async (bench) => {
    const find = await journalOf(bench, [
      { message: "iad-web-1 is ready" },
      { message: "1 iad and another web" },
    ]);
    assert.deepEqual(await find("iad-web-1"), [1]);
    assert.deepEqual(await find("iad web 1"), [2, 1]);
  });

  check("JOURNAL-23 accents, scripts and the search's own syntax do no harm", async (bench) => {
    const find = await journalOf(bench, [
      { message: "Größe geändert: cafe\u0301" },
      { message: "сервер запущен", facts: { имя: "ВЕБ" } },
      { message: 'a "quoted" AND (NOT near) words:scope ^x', facts: {} },
    ]);
    assert.deepEqual(await find("grosse"), [], "ß is not ss");
    assert.deepEqual(await find("GRÖSSE"), []);
    assert.deepEqual(await find("größe CAFÉ"), [1]);
    assert.deepEqual(await find("geandert"), [1]);
    assert.deepEqual(await find("СЕРВЕР веб"), [2]);
    assert.deepEqual(await find("запу*"), [2]);
    assert.deepEqual(await find('"quoted"'), [3]);
    assert.deepEqual(await find("AND"), [3]);
    assert.deepEqual(await find("NOT near"), [3]);
    assert.deepEqual(await find("words:scope"), [3]);
    assert.deepEqual(await find('" OR scope : "a1'), []);
    assert.deepEqual(await find("quoted) OR (ge"), []);
    assert.deepEqual(await find("\0 ' \\ {x} ^x"), [3]);
  });

  check("JOURNAL-24 a text longer than anyone types is refused", async (bench) => {
    const find = await journalOf(bench, [{ message: "a" }]);
    for (const text of ["x".repeat(1_001), "a ".repeat(33)])
      await assert.rejects(find(text), (error) => isFault(error, "FIELD_INVALID"));
  });

  check("JOURNAL-25 text is searched within the account, and found by pages", async (bench) => {
    const { journal } = bench;
    const events = Array.from({ length: 30 }, (_, index) =>
      eventOf(placement(index % 2 ? "web" : "db"), index + 1, { message: "the same words" }),
    );
    await journal.append(
      events.map((event) => ({ event, cursor: event.id })),
      call,
    );
    await bench.settle();
    const query = queryOf({ text: "same wor*", group: "web", eventsMax: 10 });
    const first = await journal.search(query, call);
    assert.equal(first.events.length, 10);
    const pageToken = first.nextPageToken ?? "";
    const second = await journal.search({ ...query, pageToken }, call);
    assert.equal(second.events.length, 5);
    assert.equal(second.nextPageToken, undefined);
    const other = await journal.search({ ...query, account: "other" }, call);
    assert.deepEqual(other.events, []);
  });
}

/** Appends events 1, 2, … and gives a search that tells their numbers, newest first. */
async function journalOf(
  bench: JournalBench,
  messages: readonly {
    message: string;
    facts?: Readonly<Record<string, string | number | boolean>>;
  }[],
): Promise<(text: string) => Promise<readonly number[]>> {
  const events = messages.map((over, index) => eventOf(web, index + 1, { facts: {}, ...over }));
  await bench.journal.append(
    events.map((event) => ({ event, cursor: event.id })),
    call,
  );
  await bench.settle();
  return async (text) => {
    const page = await bench.journal.search(queryOf({ text }), call);
    return page.events.map(({ sequence }) => sequence);
  };
}
