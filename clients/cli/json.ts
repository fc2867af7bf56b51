import type { JsonValue } from "@bufbuild/protobuf";

/** Scripts read fields without asking first whether they are there. */
export const jsonOptions = { alwaysEmitImplicit: true } as const;

/** All pages of a list. The limit is far above what the API allows a list to hold. */
const pagesMax = 1_000;
export const pageSizeMax = 1_000;

export async function allPages<Item>(
  read: (pageToken: string) => Promise<{
    readonly items: readonly Item[];
    readonly nextPageToken: string;
  }>,
): Promise<readonly Item[]> {
  const items: Item[] = [];
  let pageToken = "";
  for (let page = 0; page < pagesMax; page += 1) {
    const found = await read(pageToken);
    items.push(...found.items);
    if (found.nextPageToken === "") return items;
    pageToken = found.nextPageToken;
  }
  throw new Error(`the list did not end after ${pagesMax} pages`);
}

/** Whether it is an object, not an array and not null. */
export const isObject = (json: unknown): json is { [name: string]: JsonValue } =>
  typeof json === "object" && json !== null && !Array.isArray(json);
