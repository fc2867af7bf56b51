import { once } from "node:events";
import type { JsonValue } from "@bufbuild/protobuf";
import Table from "cli-table3";
import { createColors } from "picocolors";

export type OutputFormat = "table" | "json";

/** The process's side of a command. */
export interface Io {
  readonly stdin: NodeJS.ReadStream;
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Aborted by Ctrl-C and when nobody reads on. */
  readonly signal: AbortSignal;
}

export type Colors = ReturnType<typeof createColors>;

export interface Printer {
  readonly colors: Colors;
  /** The command's one answer: a JSON document, or what `table` prints. */
  answer(json: JsonValue, table: () => void): void;
  /** One of many answers; waits when the reader is slow. */
  streamed(json: () => JsonValue, line: () => string): Promise<void>;
  line(text: string): void;
  table(head: readonly string[], rows: readonly (readonly string[])[]): void;
  /** Names and values, one a line. */
  facts(rows: readonly (readonly [string, string])[]): void;
  /** For people beside the answer, on stderr. */
  note(text: string): void;
}

export function createPrinter(io: Io, format: OutputFormat): Printer {
  const colors = createColors(allowsColors(io.stdout, io.env));
  const write = (text: string) => io.stdout.write(`${text}\n`);
  return {
    colors,
    answer(json, table) {
      if (format === "json") write(JSON.stringify(json, undefined, 2));
      else table();
    },
    async streamed(json, line) {
      if (write(format === "json" ? JSON.stringify(json()) : line())) return;
      await once(io.stdout, "drain", { signal: io.signal });
    },
    line: write,
    table(head, rows) {
      write(columns([head.map((title) => colors.dim(title)), ...rows]));
    },
    facts(rows) {
      write(columns(rows.map(([name, value]) => [colors.dim(name), value])));
    },
    note(text) {
      io.stderr.write(`musterctl: ${text}\n`);
    },
  };
}

/** Colours are for people who look: a terminal that says what it can, and no wish against them. */
export function allowsColors(
  stream: { readonly isTTY?: boolean },
  env: Readonly<Record<string, string | undefined>>,
): boolean {
  return stream.isTTY === true && !env["NO_COLOR"] && env["TERM"] !== "dumb";
}

/** Text from elsewhere on one line, without what could steer a terminal. */
export const plain = (text: string): string => text.replace(/[\p{Cc}\u2028\u2029]+/gu, " ");

const borderless = {
  top: "",
  "top-mid": "",
  "top-left": "",
  "top-right": "",
  bottom: "",
  "bottom-mid": "",
  "bottom-left": "",
  "bottom-right": "",
  left: "",
  "left-mid": "",
  mid: "",
  "mid-mid": "",
  right: "",
  "right-mid": "",
  middle: "  ",
} as const;

function columns(rows: readonly (readonly string[])[]): string {
  const style = { head: [], border: [], "padding-left": 0, "padding-right": 0, compact: true };
  const table = new Table({ chars: borderless, style });
  table.push(...rows.map((row) => [...row]));
  const lines = table.toString().split("\n");
  return lines.map((line) => line.trimEnd()).join("\n");
}
