import { OutsideFault } from "../../core/errors/outside-fault.js";

/** The microversions that a service takes, from its version document. */
export interface MicroversionRange {
  readonly min: string;
  readonly max: string;
}

/** @throws OutsideFault `unknown` where that is no version document. */
export function rangeOf(body: unknown): MicroversionRange {
  const { version } = (body ?? {}) as { readonly version?: unknown };
  const { min_version: min, version: max } = (version ?? {}) as Readonly<Record<string, unknown>>;
  if (typeof min === "string" && typeof max === "string" && isMicroversion(min, max))
    return { min, max };
  throw new OutsideFault("unknown", "the service does not tell its microversions");
}

/** @throws OutsideFault `badRequest` naming what is needed and what there is. */
export function refuseOutside(range: MicroversionRange, wanted: string, where: URL): void {
  if (compare(range.min, wanted) <= 0 && compare(wanted, range.max) <= 0) return;
  const say = `${where.href} takes microversions ${range.min} to ${range.max}; needed is ${wanted}`;
  throw new OutsideFault("badRequest", say);
}

/** By number: 2.9 comes before 2.10. */
function compare(a: string, b: string): number {
  const [majorA = 0, minorA = 0] = a.split(".").map(Number);
  const [majorB = 0, minorB = 0] = b.split(".").map(Number);
  return majorA - majorB || minorA - minorB;
}

function isMicroversion(...texts: readonly string[]): boolean {
  return texts.every((text) => /^\d{1,3}\.\d{1,5}$/.test(text));
}
