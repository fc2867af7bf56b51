import { isBusyIndex, type NamePage, type NamesAsked } from "../../core/ports/store.js";
import { boundPage, pageLimits } from "../store-rules/page-limits.js";
import { busyNames, type Tables } from "./schema.js";
import type { Session, Statement } from "./session.js";

/** Begins what goes on with the walk, behind the names of busy indexes. */
const walk = "walk ";

/** What there is, by name: a walk over all partitions, as this colo's replicas have them. */
export function createNameLister(
  session: Session,
  tables: Tables,
): (asked: NamesAsked) => Promise<NamePage> {
  const partitions = `SELECT DISTINCT partition AS name FROM ${tables.partitions}`;
  const quiet = `SELECT DISTINCT name FROM ${tables.hints}`;
  const ofBusy = `SELECT key AS name FROM ${tables.hints} WHERE name = '${busyNames}'`;
  const amongBusy = `${ofBusy} AND key IN ?`;

  async function read(statement: Statement, rowsMax: number, after: string): Promise<NamePage> {
    const pageState = after === "" ? undefined : after;
    const page = await session.page(statement, { reach: "colo", rowsMax, pageState });
    return { names: page.rows.map((row) => row["name"] as string), next: page.pageState };
  }

  /** Busy ones lie in many partitions, and are known by their names alone. */
  async function indexes(after: string, rowsMax: number): Promise<NamePage> {
    if (!after.startsWith(walk)) {
      const { names, next } = await read({ query: ofBusy, params: [] }, rowsMax, after);
      return { names, next: next ?? walk };
    }
    const statement = { query: quiet, params: [] };
    const { names, next } = await read(statement, rowsMax, after.slice(walk.length));
    const told = await namedBefore(names.filter(isBusyIndex));
    return {
      names: names.filter((name) => name !== busyNames && !told.has(name)),
      next: next === undefined ? undefined : walk + next,
    };
  }

  async function namedBefore(names: readonly string[]): Promise<ReadonlySet<string>> {
    if (names.length === 0) return new Set();
    const rows = await session.rows({ query: amongBusy, params: [names] }, { reach: "colo" });
    return new Set(rows.map((row) => row["name"] as string));
  }

  return ({ of, after, namesMax }) => {
    const rowsMax = boundPage(namesMax, pageLimits.namesMax);
    if (of === "indexes") return indexes(after, rowsMax);
    return read({ query: partitions, params: [] }, rowsMax, after);
  };
}
