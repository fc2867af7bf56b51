import { Fault, invalidConfig } from "../core/errors/fault.js";
import type { StoreDefinition } from "../core/ports/store-definition.js";
import { checkBySchema } from "./check-schema.js";

/** A store that may be opened. */
export interface PreparedStore {
  readonly definition: StoreDefinition<unknown>;
  /** With the schema's defaults filled in. */
  readonly options: unknown;
}

/** Loaded only where they are named: the embedded store needs none of their packages. */
const stores: Readonly<Record<string, () => Promise<{ readonly default: unknown }>>> = {
  "builtin:cassandra": () => import("./store-cassandra/index.js"),
};

/**
 * The part of loading a store that opens nothing.
 *
 * @throws Fault `CONFIG_INVALID` naming every option that is wrong.
 */
export async function prepareStore(named: {
  readonly use: string;
  readonly options?: unknown;
}): Promise<PreparedStore> {
  const { use } = named;
  const load = Object.hasOwn(stores, use) ? stores[use] : undefined;
  if (!load) {
    const say = `store.use: there is no store ${use}, only ${Object.keys(stores).join(", ")}`;
    throw new Fault("CONFIG_INVALID", { say: `${say}, and the embedded one if none is named` });
  }
  const definition = (await load()).default as StoreDefinition<unknown>;
  const check = checkBySchema(definition.optionsSchema, { kind: "options", root: "options" });
  const options = structuredClone(named.options ?? {});
  const wrong = check(options).map((one) => ({ ...one, field: `store.${one.field}` }));
  if (wrong.length === 0) return { definition, options };
  throw invalidConfig(wrong);
}
