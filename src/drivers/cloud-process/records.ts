import { mkdir, open, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { LaunchConfiguration } from "../../core/model/group.js";
import type { Ownership } from "../../core/model/server.js";
import { type ProcessMark, parseMark } from "./process-table.js";

/** What never changes about a server; on disk before its process starts, and until it is dead. */
export interface ServerRecord {
  readonly id: string;
  readonly port: number;
  readonly account: string;
  readonly name: string;
  readonly ownership: Ownership;
  readonly launch: LaunchConfiguration;
  readonly createdAtMs: number;
  readonly bootDelayMs: number;
  /** Drawn at birth: the build ends in ERROR with this text. */
  readonly buildFault?: string;
}

/** A server's folder as it stands. */
export interface Entry {
  readonly record: ServerRecord;
  /** What the process wrote about itself; undefined before that. */
  readonly mark?: ProcessMark;
  /** What went wrong, for good. */
  readonly failed?: string;
  readonly deletingSinceMs?: number;
  /** As they are by now; those of its birth stay in the record. */
  readonly ownership: Ownership | undefined;
}

/**
 * The cloud's own database: one folder per server, named by its port, so that making the record and
 * claiming the port are one atomic rename, and no crash comes between.
 */
export interface Records {
  /** Ports of all servers, ascending. */
  ports(): Promise<readonly number[]>;
  /** Undefined where no server has the port. */
  read(port: number): Promise<Entry | undefined>;
  /** False when another server has the port. */
  claim(record: ServerRecord): Promise<boolean>;
  /** Writes down what a lost folder's process was, from what it knows itself. */
  restore(record: ServerRecord, mark: ProcessMark): Promise<boolean>;
  markDeleting(record: ServerRecord, sinceMs: number): Promise<void>;
  markFailed(record: ServerRecord, text: string): Promise<void>;
  /** Replaces the server's tags. */
  retag(record: ServerRecord, ownership: Ownership | undefined): Promise<void>;
  /** Frees the port. Call only when no process of the server is left. */
  remove(record: ServerRecord): Promise<void>;
  folderOf(port: number): string;
}

/**
 * The launcher, which is a shell, reads and writes these too. What others write later is named by
 * the server's id: by then the port, and its folder, may be another server's.
 */
export const fileNames = {
  mark: "pid",
  deleting: (id: string) => `deleting-${id}`,
  failed: (id: string) => `failed-${id}`,
  tags: (id: string) => `tags-${id}.json`,
  record: (id: string) => `server-${id}.json`,
  userData: "user-data",
  log: "output.log",
} as const;

export async function openRecords(folder: string, nowMs: number): Promise<Records> {
  const servers = join(folder, "servers");
  const making = join(folder, "making");
  const trash = join(folder, "trash");
  for (const path of [servers, making, trash]) await mkdir(path, { recursive: true });
  const folderOf = (port: number) => join(servers, String(port));

  const ports = async () =>
    (await readdir(servers))
      .filter((name) => /^\d+$/.test(name))
      .map(Number)
      .toSorted((one, other) => one - other);

  const place = async (record: ServerRecord, mark?: ProcessMark): Promise<boolean> => {
    const fresh = join(making, record.id);
    await mkdir(fresh);
    await writeDurably(join(fresh, fileNames.record(record.id)), JSON.stringify(record));
    await writeFile(join(fresh, fileNames.userData), record.launch.userData);
    if (mark) await writeFile(join(fresh, fileNames.mark), formatMark(mark));
    const placed = await renameUnlessTaken(fresh, folderOf(record.port));
    if (!placed) await rm(fresh, { recursive: true, force: true });
    return placed;
  };

  const discard = async (port: number, id: string) => {
    const away = join(trash, id);
    await rename(folderOf(port), away).catch(unlessAbsent);
    // The launcher may still write its pid; its folder is then swept when the driver opens again.
    await rm(away, { recursive: true, force: true, maxRetries: 3 }).catch(() => {});
  };

  const records: Records = {
    ports,
    folderOf,
    claim: (record) => place(record),
    restore: (record, mark) => place(record, mark),
    async read(port) {
      const path = folderOf(port);
      const names = await readdir(path).catch(unlessAbsent);
      const own = names?.find((name) => recordPattern.test(name));
      if (!names || !own) return undefined;
      const text = await readIfThere(join(path, own));
      if (text === undefined) return undefined;
      const record = JSON.parse(text) as ServerRecord;
      const rest = async (name: string) =>
        names.includes(name) ? await readIfThere(join(path, name)) : undefined;
      const mark = parseMark((await rest(fileNames.mark)) ?? "");
      const failed = await rest(fileNames.failed(record.id));
      const deleting = await rest(fileNames.deleting(record.id));
      const tags = await rest(fileNames.tags(record.id));
      return {
        record,
        ownership: tags === undefined ? record.ownership : readTags(tags),
        ...(mark && { mark }),
        ...(failed !== undefined && { failed }),
        ...(deleting !== undefined && { deletingSinceMs: Number(deleting) }),
      };
    },
    markDeleting: (record, sinceMs) =>
      writeAtomically(folderOf(record.port), fileNames.deleting(record.id), String(sinceMs)),
    markFailed: (record, text) =>
      writeAtomically(folderOf(record.port), fileNames.failed(record.id), text),
    retag: (record, ownership) =>
      writeAtomically(
        folderOf(record.port),
        fileNames.tags(record.id),
        JSON.stringify(ownership ?? null),
      ),
    async remove(record) {
      // Named by id: whoever loses this race must not touch the port's next server.
      const own = join(folderOf(record.port), fileNames.record(record.id));
      const won = await rename(own, join(folderOf(record.port), "removed")).then(
        () => true,
        unlessAbsent,
      );
      if (won) await discard(record.port, record.id);
    },
  };
  await sweep({ servers, making, trash }, nowMs);
  return records;
}

function readTags(text: string): Ownership | undefined {
  return (JSON.parse(text) as Ownership | null) ?? undefined;
}

const recordPattern = /^server-.*\.json$/;

/**
 * Clears what crashes left half done: never part of the database, or no longer. What is young may
 * be another driver's work under way, since a successor may open before its forerunner is dead.
 */
async function sweep(
  folders: { readonly servers: string; readonly making: string; readonly trash: string },
  nowMs: number,
): Promise<void> {
  const isOld = async (path: string) => {
    const found = await stat(path).catch(unlessAbsent);
    return found !== undefined && found.mtimeMs < nowMs - leftoverAgeMsMin;
  };
  for (const port of await readdir(folders.servers)) {
    const path = join(folders.servers, port);
    const names = (await readdir(path).catch(unlessAbsent)) ?? [];
    if (names.some((name) => recordPattern.test(name)) || !(await isOld(path))) continue;
    await rename(path, join(folders.trash, `port-${port}`)).catch(unlessAbsent);
  }
  for (const parent of [folders.trash, folders.making])
    for (const name of await readdir(parent))
      if (await isOld(join(parent, name)))
        await rm(join(parent, name), { recursive: true, force: true });
}

const leftoverAgeMsMin = 10 * 60_000;

async function renameUnlessTaken(from: string, to: string): Promise<boolean> {
  try {
    await rename(from, to);
    return true;
  } catch (error) {
    if (["ENOTEMPTY", "EEXIST"].includes(codeOf(error))) return false;
    throw error;
  }
}

/** A folder that is gone meanwhile needs no marks any more. */
async function writeAtomically(folder: string, name: string, text: string): Promise<void> {
  const path = join(folder, name);
  try {
    await writeFile(`${path}.new`, text);
    await rename(`${path}.new`, path);
  } catch (error) {
    unlessAbsent(error);
  }
}

async function writeDurably(path: string, text: string): Promise<void> {
  const file = await open(path, "wx");
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function readIfThere(path: string): Promise<string | undefined> {
  return await readFile(path, "utf8").catch(unlessAbsent);
}

function unlessAbsent(error: unknown): undefined {
  if (codeOf(error) === "ENOENT") return undefined;
  throw error;
}

export function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "";
}

function formatMark(mark: ProcessMark): string {
  return `${mark.pid}\n${mark.bootId}\n${mark.startedAt}\nend\n`;
}
