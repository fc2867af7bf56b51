/**
 * Run as a process to be killed: `crash-victim.js store|journal FILE`. Writes as fast as it can and
 * prints each acknowledgement, synchronously, so that what was acknowledged was also told.
 */
import { writeSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { createSystemClock } from "../../src/drivers/clock-system/index.js";
import { createSqliteJournal } from "../../src/drivers/journal-sqlite/index.js";
import { createSqliteStore } from "../../src/drivers/store-sqlite/index.js";
import {
  commitOf,
  countTo,
  eventOf,
  patientCall,
  placement,
  row,
} from "../contract/store-samples.js";

export const victimPartitions = countTo(12).map((n) => placement(`group-${n}`));
/** Long enough that the log is moved into the file every few hundred commits. */
export const victimText = "x".repeat(3_000);
const journalPartition = placement("journal");

export function victimCommitId(key: string, revision: number): string {
  return `${key}@${revision}`;
}

function tell(line: string): void {
  writeSync(1, `${line}\n`);
}

async function commitForever(file: string): Promise<void> {
  const call = patientCall();
  const store = await createSqliteStore({ path: file, clock: createSystemClock() });
  const caller = async (partition: (typeof victimPartitions)[number]) => {
    let { revision, lastSequence } = await store.load(partition, [], call);
    for (;;) {
      const next = revision + 1;
      const values = { revision: next, text: victimText };
      const commit = commitOf(partition, revision, {
        commitId: victimCommitId(partition.key, next),
        puts: [row("first", values), row("second", values)],
        events: countTo(2).map((n) => eventOf(partition, lastSequence + n, { message: `${next}` })),
      });
      revision = (await store.commit(commit, call)).revision;
      lastSequence += 2;
      tell(`${partition.key} ${revision}`);
    }
  };
  await Promise.all(victimPartitions.map(caller));
}

async function appendForever(file: string): Promise<void> {
  const call = patientCall();
  const journal = await createSqliteJournal({ path: file });
  let last = Number(await journal.position(call));
  for (;;) {
    const entries = countTo(1 + (last % 4)).map((n) => ({
      event: eventOf(journalPartition, last + n, { message: `number${last + n} ${victimText}` }),
      cursor: String(last + n),
    }));
    await journal.append(entries, call);
    last += entries.length;
    tell(`journal ${last}`);
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const [, , kind, file = ""] = process.argv;
  await (kind === "journal" ? appendForever(file) : commitForever(file));
}
