import { OutsideFault } from "../../core/errors/outside-fault.js";

/** Undefined when the service says for certain that there is no such thing. */
export async function unlessNotFound<Answer>(work: Promise<Answer>): Promise<Answer | undefined> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof OutsideFault && error.kind === "notFound") return undefined;
    throw error;
  }
}

/** The part of an answer's body that it is about. @throws OutsideFault where there is none */
export function partIn<Part extends object>(body: unknown, key: string): Part {
  const part = (body as Readonly<Record<string, unknown>> | undefined)?.[key];
  if (typeof part === "object" && part !== null) return part as Part;
  throw new OutsideFault("unknown", `the cloud answers without ${key}`);
}

/** As `partIn`, of answers that list. */
export function listIn<Item>(body: unknown, key: string): readonly Item[] {
  const list = partIn<readonly Item[]>(body, key);
  if (Array.isArray(list)) return list;
  throw new OutsideFault("unknown", `the cloud's ${key} are no list`);
}
