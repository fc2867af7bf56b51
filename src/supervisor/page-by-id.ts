import type { Page } from "./api.js";

/** A page of what has ids, in their order. */
export function pageById<Item extends { readonly id: string }>(
  items: Iterable<Item>,
  { pageSize, after }: { readonly pageSize: number; readonly after?: Item["id"] },
): Page<Item> {
  const sorted = [...items].toSorted((a, b) => (a.id < b.id ? -1 : 1));
  const rest = sorted.filter(({ id }) => after === undefined || id > after);
  return { items: rest.slice(0, pageSize), more: rest.length > pageSize };
}
