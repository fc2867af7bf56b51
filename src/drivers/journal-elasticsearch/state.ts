import type { Call } from "../../core/ports/call.js";
import type { Cluster } from "./cluster.js";
import { type Indices, stateIndex, templateOf } from "./indices.js";

/** Where the journal stands, and what its indices look like. */
export interface State {
  /** Makes what events need before they come. May be repeated. */
  install(call: Call): Promise<void>;
  /** What lies before it can be found from now on. */
  position(call: Call): Promise<string>;
  notePosition(position: string, call: Call): Promise<void>;
  /** What is older counts as gone, whatever the indices still hold; ms since the epoch. */
  trimmedMs(call: Call): Promise<number>;
  noteTrimmed(trimmedMs: number, call: Call): Promise<void>;
}

export function createState(cluster: Cluster, indices: Indices): State {
  const documents = `/${indices.state}/_doc`;
  let trimmed: number | undefined;

  const read = async <Source>(id: string, call: Call): Promise<Source | undefined> => {
    const path = `${documents}/${id}`;
    const { body } = await cluster.ask<{ readonly _source?: Source }>(
      { method: "GET", path, expects: [404] },
      call,
    );
    return body._source;
  };
  const write = async (id: string, body: Readonly<Record<string, unknown>>, call: Call) =>
    void (await cluster.ask({ method: "PUT", path: `${documents}/${id}`, body }, call));

  return {
    async install(call) {
      const path = `/_index_template/${indices.template}`;
      await cluster.ask({ method: "PUT", path, body: templateOf(indices) }, call);
      const state = { path: `/${indices.state}`, body: stateIndex, expects: [alreadyThere] };
      await cluster.ask({ method: "PUT", ...state }, call);
    },
    async position(call) {
      const found = await read<{ readonly position: string }>("position", call);
      if (!found) return "";
      // Whoever asks reads the feed from there on, and the journal for what lies before.
      await cluster.ask({ method: "POST", path: `/${indices.events}/_refresh` }, call);
      return found.position;
    },
    notePosition: (position, call) => write("position", { position }, call),
    async trimmedMs(call) {
      trimmed ??= (await read<{ readonly trimmedMs: number }>("trimmed", call))?.trimmedMs ?? 0;
      return trimmed;
    },
    async noteTrimmed(trimmedMs, call) {
      await write("trimmed", { trimmedMs }, call);
      trimmed = trimmedMs;
    },
  };
}

const alreadyThere = 400;
