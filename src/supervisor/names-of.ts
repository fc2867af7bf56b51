import type { Call } from "../core/ports/call.js";
import type { NamePage, NamesAsked, Store } from "../core/ports/store.js";

const namesMax = 1_000;

/** All pages of what a store names. */
export async function* namesOf(
  store: Pick<Store, "listNames">,
  of: NamesAsked["of"],
  call: Call,
): AsyncGenerator<string> {
  for (let after: string | undefined = ""; after !== undefined; ) {
    const page: NamePage = await store.listNames({ of, after, namesMax }, call);
    yield* page.names;
    after = page.next;
  }
}
