import { stat } from "node:fs/promises";
import { Fault } from "../core/errors/fault.js";
import type { Call } from "../core/ports/call.js";
import type { Clock, Ids } from "../core/ports/clock.js";
import { parsePartition } from "../core/ports/store.js";
import { createSystemClock, createSystemIds } from "../drivers/clock-system/index.js";
import { readIdentity, writeIdentity } from "../identity.js";
import type { Settings } from "../settings.js";
import { quarantineStore } from "../supervisor/commands/quarantine-store.js";
import { awaitFeeds, recordsOf } from "./export.js";
import { checkExport, readExport, writeExport } from "./export-file.js";
import { holdColos, importIn, releaseColos } from "./hold.js";
import { checkIdle, checkUntouched } from "./idle.js";
import { writeRecords } from "./import.js";
import type { ExportHeader, ExportRecord } from "./records.js";
import { coloOf, openWhole, partitionNames, type Whole } from "./whole.js";

interface Out {
  write(text: string): unknown;
}

interface Parts {
  readonly whole: Whole;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly call: Call;
}

/**
 * Writes all that the configured store keeps into a new file, and stops every colo in the store:
 * from then on another store may be at work.
 *
 * @throws Fault `STORE_UNAVAILABLE`: a Muster works with it, or it is away. Nothing is changed.
 * @throws Fault `CONFIG_INVALID`
 */
export async function runExport(settings: Settings, file: string, out: Out): Promise<void> {
  if (await exists(file)) throw new Fault("CONFIG_INVALID", { say: `${file} is there already` });
  const installation = await installationOf(settings);
  await withWhole(settings, async (parts) => {
    const { whole, clock, ids, call } = parts;
    const leases = await checkIdle(whole, clock, call);
    if (whole.isShared && leases.held.length > 0) {
      out.write("a Muster was killed: waiting for its last events, three minutes\n");
      await awaitFeeds(whole, clock, call);
    }
    const names = await partitionNames(whole, call);
    const used = [...new Set(names.flatMap(coloOfState))].sort();
    const colos = [...new Set([...whole.colos, ...used])];
    const id = `export-${ids.next()}`;
    const header = { id, madeAtMs: clock.nowMs(), installation, colos: used };
    const why = { mover: "muster:export", reason: `moved to another store: ${id}` } as const;
    const isGood = async () => {
      await holdColos(parts, colos, why);
      await checkUntouched(whole, leases, call).catch(async (error: unknown) => {
        await releaseColos(parts, colos, new Map());
        throw error;
      });
    };
    const content = { header, records: recordsOf(whole, names, call) };
    const records = await writeExport(file, content, isGood);
    out.write(`${file}: ${records} records of installation ${installation}\n`);
    out.write(`all is stopped in this store: ${colos.join(", ")}; brakes of muster:export\n`);
  });
}

/**
 * Fills the configured store, which must be empty, with what an export has. Where that broke off,
 * the same file goes on.
 *
 * @param way.isMoved nothing worked with the old store since: targets are not stale
 * @throws Fault `CONFIG_INVALID`: of the file, the installation, or a store that is not empty.
 * @throws Fault `STORE_UNAVAILABLE`: a Muster works with it, or it is away.
 */
export async function runImport(
  settings: Settings,
  { file, isMoved }: { readonly file: string; readonly isMoved: boolean },
  out: Out,
): Promise<void> {
  const header = await checkExport(file);
  await checkInstallation(settings, header);
  await withWhole(settings, async (parts) => {
    const { whole, clock, call } = parts;
    const { colos } = whole;
    const foreign = header.colos.filter((colo) => !colos.includes(colo));
    if (foreign.length > 0) {
      const say = `colos: the export has ${foreign.join(", ")}, of which the configuration has none`;
      throw new Fault("CONFIG_INVALID", { say });
    }
    const leases = await checkIdle(whole, clock, call);
    const isResumed = await checkTarget(parts, colos, header.id);
    const reason = `the import of ${header.id} is not finished`;
    await holdColos(parts, colos, { mover: "muster:import", reason, importId: header.id });
    if (settings.installation === undefined)
      await writeIdentity(settings.dataDir, "installation", header.installation);
    const source = { id: header.id, isResumed, records: recordsIn(file) };
    const brakes = await writeRecords(whole, source, call);
    const placements = isMoved ? 0 : await quarantine(parts, header);
    await checkUntouched(whole, leases, call);
    await releaseColos(parts, colos, brakes);
    const rest = isMoved ? "none" : `${placements} placements, until each group is confirmed`;
    out.write(`${header.id} is imported; in quarantine: ${rest}\n`);
  });
}

/** @throws Fault `CONFIG_INVALID`: no daemon has ever worked with the data folder. */
async function installationOf({ installation, dataDir }: Settings): Promise<string> {
  const known = installation ?? (await readIdentity(dataDir, "installation"));
  if (known !== undefined) return known;
  throw new Fault("CONFIG_INVALID", { say: `dataDir: no Muster has ever worked in ${dataDir}` });
}

/** Of what a store keeps, not of those who work with it. */
function coloOfState(name: string): readonly string[] {
  const partition = parsePartition(name);
  const colo = coloOf(partition);
  return colo === undefined || partition.scope === "lease" ? [] : [colo];
}

async function* recordsIn(file: string): AsyncGenerator<ExportRecord> {
  for await (const line of readExport(file)) if (line.kind !== "header") yield line;
}

async function quarantine(parts: Parts, { madeAtMs }: ExportHeader): Promise<number> {
  const { whole, call } = parts;
  const reason = `restored from an export of ${new Date(madeAtMs).toISOString()}`;
  const names = await partitionNames(whole, call);
  const { storeOf } = whole;
  return quarantineStore(
    { ...parts, storeOf },
    names,
    { reason, principal: "muster:import" },
    call,
  );
}

/** Whether an import of the same export began here. @throws Fault `CONFIG_INVALID`: not empty */
async function checkTarget(parts: Parts, colos: readonly string[], id: string): Promise<boolean> {
  const { whole, call } = parts;
  const begun = await Promise.all(colos.map((colo) => importIn(parts, colo)));
  if (begun.includes(id)) return true;
  const other = begun.find((one) => one !== undefined);
  if (other !== undefined) {
    const say = `an import of ${other} has begun here: go on with its file, or empty the store`;
    throw new Fault("CONFIG_INVALID", { say });
  }
  const names = await partitionNames(whole, call);
  const kept = names.filter((name) => !["lease", "colo"].includes(parsePartition(name).scope));
  if (kept.length === 0) return false;
  const say = `the store is not empty: it has ${kept.length} partitions, ${kept[0]} among them`;
  throw new Fault("CONFIG_INVALID", { say });
}

/** Servers carry the installation's name: under another one they would be nobody's. */
async function checkInstallation(settings: Settings, { installation }: ExportHeader) {
  const known = settings.installation ?? (await readIdentity(settings.dataDir, "installation"));
  if (known === undefined || known === installation) return;
  const say = `installation: is ${known}, and the export is of ${installation}`;
  throw new Fault("CONFIG_INVALID", { say });
}

async function withWhole(settings: Settings, work: (parts: Parts) => Promise<void>): Promise<void> {
  const clock = createSystemClock();
  const ids = createSystemIds();
  const whole = await openWhole(settings, clock);
  try {
    await work({ whole, clock, ids, call: { signal: new AbortController().signal } });
  } finally {
    await whole.close();
  }
}

async function exists(file: string): Promise<boolean> {
  return stat(file).then(
    () => true,
    () => false,
  );
}
