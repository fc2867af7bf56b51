import type { Call } from "../../core/ports/call.js";
import type { Cluster } from "./cluster.js";
import type { Indices } from "./indices.js";
import type { State } from "./state.js";

/** So that their names fit into one line of a request. */
const indicesPerRequestMax = 50;

/** Old days go as a whole; of the day in which the retention ends, searches leave out what is old. */
export async function trim(
  parts: { readonly cluster: Cluster; readonly indices: Indices; readonly state: State },
  olderThanMs: number,
  call: Call,
): Promise<void> {
  const { cluster, indices, state } = parts;
  if (olderThanMs <= (await state.trimmedMs(call))) return;
  await state.noteTrimmed(olderThanMs, call);
  const { body } = await cluster.ask<Readonly<Record<string, unknown>>>(
    {
      ...{ method: "GET", path: `/${indices.events}/_settings` },
      query: { filter_path: "*.settings.index.uuid" },
    },
    call,
  );
  const old = Object.keys(body).filter((index) => {
    const endMs = indices.endOf(index);
    return endMs !== undefined && endMs <= olderThanMs;
  });
  for (let start = 0; start < old.length; start += indicesPerRequestMax) {
    const names = old.slice(start, start + indicesPerRequestMax).join(",");
    const query = { ignore_unavailable: "true" };
    await cluster.ask({ method: "DELETE", path: `/${names}`, query }, call);
  }
}
