import { type OperationClass, operationClasses } from "./colo.js";

/** What an operator's local switch file stops (B9.1). Undefined: all of them. */
export interface FileSwitch {
  readonly colos: readonly string[] | undefined;
  readonly operations: readonly OperationClass[];
  readonly reason: string;
}

const reasonMax = 1_024;

/**
 * Reads a switch file. Its existence counts: an empty one, or one that is not understood in any
 * part, stops everything everywhere, since whoever made it wanted something stopped. Total.
 */
export function readSwitchFile(text: string): FileSwitch {
  const all = { colos: undefined, operations: operationClasses };
  if (text.trim() === "") return { ...all, reason: "the switch file is there" };
  const doc = parsed(text);
  if (!doc) return { ...all, reason: "the switch file is there, and is not understood" };
  return doc;
}

function parsed(text: string): FileSwitch | undefined {
  let doc: unknown;
  try {
    doc = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof doc !== "object" || doc === null || Array.isArray(doc)) return undefined;
  const { colos, operations, reason, ...rest } = doc as Readonly<Record<string, unknown>>;
  if (Object.keys(rest).length > 0) return undefined;
  if (reason !== undefined && typeof reason !== "string") return undefined;
  if (colos !== undefined && !isTexts(colos)) return undefined;
  if (operations !== undefined && !isTexts(operations)) return undefined;
  const classes = operationClasses.filter((one) => !operations || operations.includes(one));
  if (operations && (operations.length === 0 || classes.length < new Set(operations).size))
    return undefined;
  return {
    colos,
    operations: classes,
    reason: reason?.trim().slice(0, reasonMax) || "the switch file says so",
  };
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((one) => typeof one === "string");
}
