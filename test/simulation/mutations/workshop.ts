import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Edit } from "./mutation.js";

/** A copy of the compiled code, in which one guard at a time is missing. */
export interface Workshop {
  readonly path: string;
  /** @throws Error when a text is not there exactly once: the table is out of date. */
  mutate(edits: readonly Edit[]): void;
  restore(): void;
  remove(): void;
}

export function openWorkshop(number: number): Workshop {
  const path = join("dist", "mutants", String(number));
  rmSync(path, { recursive: true, force: true });
  mkdirSync(path, { recursive: true });
  const isCode = (file: string) => !/\.(d\.ts|map)$/.test(file);
  for (const part of ["src", "test"])
    cpSync(join("dist", part), join(path, part), { recursive: true, filter: isCode });
  const original = new Map<string, string>();

  return {
    path,
    mutate(edits) {
      for (const { file, from, to } of edits) {
        const whole = join(path, "src", file);
        const text = readFileSync(whole, "utf8");
        const times = text.split(from).length - 1;
        if (times !== 1) throw new Error(`${file} has this ${times} times, not once: ${from}`);
        if (!original.has(whole)) original.set(whole, text);
        writeFileSync(
          whole,
          text.replace(from, () => to),
        );
      }
    },
    restore() {
      for (const [file, text] of original) writeFileSync(file, text);
      original.clear();
    },
    remove: () => rmSync(path, { recursive: true, force: true }),
  };
}
