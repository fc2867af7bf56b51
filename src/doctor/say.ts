import type { Diagnosis } from "../core/model/diagnosis.js";

export const ok = (subject: string, say: string): Diagnosis => ({ subject, state: "ok", say });

export const warning = (subject: string, say: string, fix: string): Diagnosis => {
  return { subject, state: "warning", say, fix };
};

export const problem = (subject: string, say: string, fix: string): Diagnosis => {
  return { subject, state: "problem", say, fix };
};

export const skipped = (subject: string, say: string, fix?: string): Diagnosis => {
  return { subject, state: "skipped", say, ...(fix === undefined ? {} : { fix }) };
};

export const textOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);

/** Whether others than the owner may do anything with a file of this mode, and which it is. */
export function openToOthers(mode: number): string | undefined {
  if ((mode & 0o077) === 0) return undefined;
  return (mode & 0o777).toString(8).padStart(4, "0");
}
