import type { NamePage, NamesAsked } from "../../core/ports/store.js";
import { boundPage, pageLimits } from "../store-rules/page-limits.js";
import type { Tables } from "./schema.js";
import type { Session } from "./session.js";

/** What there is, by name: a walk over all partitions, as this colo's replicas have them. */
export function createNameLister(
  session: Session,
  tables: Tables,
): (asked: NamesAsked) => Promise<NamePage> {
  const queries = {
    partitions: `SELECT DISTINCT partition AS name FROM ${tables.partitions}`,
    indexes: `SELECT DISTINCT name FROM ${tables.hints}`,
  };
  return async ({ of, after, namesMax }) => {
    const page = await session.page(
      { query: queries[of], params: [] },
      {
        reach: "colo",
        rowsMax: boundPage(namesMax, pageLimits.namesMax),
        pageState: after === "" ? undefined : after,
      },
    );
    return { names: page.rows.map((row) => row["name"] as string), next: page.pageState };
  };
}
