import { createHash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { rename, rm } from "node:fs/promises";
import { pipeline } from "node:stream/promises";
import { createGunzip, createGzip } from "node:zlib";
import { Fault } from "../core/errors/fault.js";
import type { ExportHeader, ExportLine, ExportRecord } from "./records.js";
import { parseLine, textOf } from "./records.js";

const chunkCharsMin = 64 * 1024;
const chunkBytes = 256 * 1024;
/** A row is in a commit, and a commit is smaller. */
const lineCharsMax = 32 * 1024 * 1024;

/**
 * Writes an export for its owner alone: gzip over lines of JSON. Under its name it is only when it
 * is whole and on disk, and `isGood` has agreed.
 *
 * @returns how many records it has
 * @throws Error: it cannot be written; Fault: as `records` and `isGood` throw. Nothing is left.
 */
export async function writeExport(
  file: string,
  content: { readonly header: ExportHeader; readonly records: AsyncIterable<ExportRecord> },
  isGood: () => Promise<void>,
): Promise<number> {
  const part = `${file}.part`;
  const tally = { records: 0 };
  const out = createWriteStream(part, { flags: "wx", mode: 0o600, flush: true });
  try {
    await pipeline(chunksOf(content, tally), createGzip(), out);
    await isGood();
    await rename(part, file);
  } catch (error) {
    if ((error as { code?: unknown }).code !== "EEXIST") await rm(part, { force: true });
    throw error;
  }
  return tally.records;
}

async function* chunksOf(
  {
    header,
    records,
  }: { readonly header: ExportHeader; readonly records: AsyncIterable<ExportRecord> },
  tally: { records: number },
): AsyncGenerator<string> {
  const hash = createHash("sha256");
  let chunk = "";
  const add = (line: ExportLine) => {
    const text = `${textOf(line)}\n`;
    hash.update(text);
    chunk += text;
  };
  add({ kind: "header", header });
  for await (const record of records) {
    add(record);
    tally.records += 1;
    if (chunk.length < chunkCharsMin) continue;
    yield chunk;
    chunk = "";
  }
  const end = { records: tally.records, sha256: hash.digest("hex") };
  yield `${chunk}${textOf({ kind: "end", end })}\n`;
}

/**
 * The lines of an export but the last, which they are held against when it comes: who has read to
 * the end has read what was written. Line by line: it may be larger than memory.
 *
 * @throws Fault `CONFIG_INVALID`: cut off, altered, or no export.
 */
export async function* readExport(file: string): AsyncGenerator<Exclude<ExportLine, EndLine>> {
  const hash = createHash("sha256");
  let lines = 0;
  let isEnded = false;
  const wrong = (say: string, cause?: unknown) =>
    new Fault("CONFIG_INVALID", { say: `${file} ${say}`, facts: { file }, cause });
  try {
    for await (const text of linesOf(file)) {
      const line = parseLine(text);
      if (isEnded || (line.kind === "header") !== (lines === 0))
        throw new Error("it is no export of Muster");
      lines += 1;
      if (line.kind === "end") {
        const { records, sha256 } = line.end;
        if (records !== lines - 2 || sha256 !== hash.digest("hex"))
          throw new Error("it is not as it was written");
        isEnded = true;
      } else {
        hash.update(`${text}\n`);
        yield line;
      }
    }
  } catch (error) {
    throw wrong(`cannot be read: ${(error as Error).message}`, error);
  }
  if (!isEnded) throw wrong("cannot be read: it is cut off");
}

type EndLine = { readonly kind: "end" };

/** @throws Fault as `readExport`, once it was read to its end */
export async function checkExport(file: string): Promise<ExportHeader> {
  let header: ExportHeader | undefined;
  for await (const line of readExport(file)) if (line.kind === "header") ({ header } = line);
  return header!;
}

async function* linesOf(file: string): AsyncGenerator<string> {
  const text = createGunzip({ chunkSize: chunkBytes });
  text.setEncoding("utf8");
  const done = pipeline(createReadStream(file), text);
  done.catch(() => {}); // Whoever reads is told.
  let rest = "";
  for await (const chunk of text as AsyncIterable<string>) {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop()!;
    if (rest.length > lineCharsMax) throw new Error("a line is too long");
    yield* lines;
  }
  if (rest !== "") throw new Error("it ends within a line");
}
