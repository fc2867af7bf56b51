import { access, constants, readdir, stat, statfs } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Diagnosis } from "../core/model/diagnosis.js";
import { isHeld } from "../drivers/sqlite-worker/is-held.js";
import { ok, openToOthers, problem, skipped, textOf, warning } from "./say.js";

export interface Examined {
  readonly diagnoses: readonly Diagnosis[];
  /** Another process works with the folder. */
  readonly isRunning: boolean;
}

const mebibyte = 1024 * 1024;
/** The store's log of changes alone may take 64 MiB, and so may the history's. */
const freeBytesMin = 256 * mebibyte;
const freeBytesGood = 2 * 1024 * mebibyte;

/**
 * The data folder: there, ours, with room, and nobody else's at the moment.
 *
 * @param file in it that whoever works with the folder holds
 */
export async function examineDataFolder(dataDir: string, file: string): Promise<Examined> {
  const found = await statOf(dataDir);
  if (!found) return { diagnoses: await examineUnmade(dataDir), isRunning: false };
  if (!found.isDirectory()) {
    const fix = "name a folder as dataDir";
    return { diagnoses: [problem(dataDir, "is not a folder", fix)], isRunning: false };
  }
  const may = constants.R_OK | constants.W_OK | constants.X_OK;
  const refused = await access(dataDir, may).then(() => undefined, textOf);
  if (refused !== undefined) {
    const fix = `give it to the user that runs Muster: chown -R USER ${dataDir}`;
    return { diagnoses: [problem(dataDir, refused, fix)], isRunning: false };
  }
  const space = await examineSpace(dataDir);
  const held = await examineFile(join(dataDir, file));
  return {
    diagnoses: [ok(dataDir, "can be read and written"), space, ...held.diagnoses],
    isRunning: held.isRunning,
  };
}

async function examineUnmade(dataDir: string): Promise<readonly Diagnosis[]> {
  let parent = dirname(dataDir);
  while (!(await statOf(parent)) && parent !== dirname(parent)) parent = dirname(parent);
  const refused = await access(parent, constants.W_OK).then(() => undefined, textOf);
  if (refused === undefined)
    return [ok(dataDir, "is not there yet: the first start makes it"), await examineSpace(parent)];
  const fix = "make it, and give it to the user that runs Muster";
  return [problem(dataDir, `is not there, and cannot be made: ${refused}`, fix)];
}

async function examineSpace(folder: string): Promise<Diagnosis> {
  const { bavail, bsize } = await statfs(folder);
  const free = bavail * bsize;
  const say = `${Math.floor(free / mebibyte)} MiB are free`;
  const fix = "make room: a store that cannot be written starts and ends no servers";
  if (free < freeBytesMin) return problem("space", say, fix);
  return free < freeBytesGood ? warning("space", say, fix) : ok("space", say);
}

async function examineFile(path: string): Promise<Examined> {
  const found = await statOf(path);
  if (!found) return { diagnoses: [ok(path, "is not there yet")], isRunning: false };
  const refused = await access(path, constants.R_OK | constants.W_OK).then(() => undefined, textOf);
  if (refused !== undefined) {
    const fix = `give it to the user that runs Muster: chown USER ${path}`;
    return { diagnoses: [problem(path, refused, fix)], isRunning: false };
  }
  const others = openToOthers(found.mode);
  const say = `others than its owner may read or write it (${others})`;
  const mode = others === undefined ? [] : [warning(path, say, `chmod 600 ${path}`)];
  const held = await examineLock(path);
  return { ...held, diagnoses: [...mode, ...held.diagnoses] };
}

async function examineLock(path: string): Promise<Examined> {
  try {
    const isRunning = await isHeld(path);
    const say = isRunning
      ? "another process works with it: a second Muster on this folder would end at once"
      : "no other process works with it";
    return { diagnoses: [ok(path, say)], isRunning };
  } catch (error) {
    const fix = "put the file of a backup in its place; see docs/operate.md, Backup";
    const diagnosis = problem(path, `cannot be opened: ${textOf(error)}`, fix);
    return { diagnoses: [diagnosis], isRunning: false };
  }
}

/** A clock that went back would take what is past for the future. */
export async function examineClock(dataDir: string, nowMs: number): Promise<Diagnosis> {
  const now = new Date(nowMs).toISOString();
  const names = await readdir(dataDir).catch(() => []);
  const times = await Promise.all(names.map(async (name) => statOf(join(dataDir, name))));
  const newestMs = Math.max(0, ...times.map((one) => one?.mtimeMs ?? 0));
  if (names.length === 0) return skipped("this node's clock", `says ${now}: nothing to compare`);
  if (newestMs <= nowMs + clockBackMsMax) return ok("this node's clock", `says ${now}`);
  const say = `says ${now}, but the data was written at ${new Date(newestMs).toISOString()}`;
  return problem("this node's clock", say, "set the clock, and keep it so by NTP (chrony)");
}

/** Beyond what file systems round. */
const clockBackMsMax = 5_000;

const statOf = (path: string) => stat(path).catch(() => undefined);
