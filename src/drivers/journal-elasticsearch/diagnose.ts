import { stat } from "node:fs/promises";
import { Fault } from "../../core/errors/fault.js";
import type { Diagnosis } from "../../core/model/diagnosis.js";
import type { Call } from "../../core/ports/call.js";
import { createCluster } from "./cluster.js";
import { indicesOf } from "./indices.js";
import { type ElasticsearchOptions, indexPrefixDefault, readClusterOptions } from "./options.js";
import { createState } from "./state.js";

/** The major version whose API is spoken. */
const versionNeeded = "9";

/** Whether the cluster answers and takes the credentials, its versions, and who may read the files. */
export async function diagnoseElasticsearch(
  options: ElasticsearchOptions,
  call: Call,
): Promise<readonly Diagnosis[]> {
  const { indexPrefix = indexPrefixDefault } = options;
  const cluster = createCluster(await readClusterOptions(options));
  const files = await diagnoseFiles(options);
  const subject = `Elasticsearch at ${options.nodes.join(", ")}`;
  try {
    const { body } = await cluster.ask<NodesAnswer>(
      { method: "GET", path: "/_nodes", query: { filter_path: "nodes.*.version" } },
      call,
    );
    const versions = [...new Set(Object.values(body.nodes).map(({ version }) => version))].sort();
    const said = `answers; its nodes have version ${versions.join(", ")}`;
    if (!versions.every((version) => version.split(".")[0] === versionNeeded)) {
      const fix = `bring all nodes to a version ${versionNeeded}`;
      return [...files, { subject, state: "problem", say: said, fix }];
    }
    const position = await createState(cluster, indicesOf(indexPrefix)).position(call);
    const history = position === "" ? "no history in it yet" : "history is in it";
    return [...files, { subject, state: "ok", say: `${said}; ${history}` }];
  } catch (error) {
    const fix = "correct nodes, caFile and the credentials, or bring it up; Muster works meanwhile";
    return [...files, { subject, state: "problem", say: sayOf(error), fix }];
  } finally {
    await cluster.close();
  }
}

interface NodesAnswer {
  readonly nodes: Readonly<Record<string, { readonly version: string }>>;
}

async function diagnoseFiles(options: ElasticsearchOptions): Promise<readonly Diagnosis[]> {
  const path = options.apiKeyFile ?? options.passwordFile;
  if (path === undefined) return [];
  const { mode } = await stat(path);
  if ((mode & 0o077) === 0) return [];
  const octal = (mode & 0o777).toString(8).padStart(4, "0");
  const say = `others than its owner may read or write it (${octal})`;
  return [{ subject: path, state: "warning", say, fix: `chmod 600 ${path}` }];
}

/** In the words of the cluster, or of the way to it. */
function sayOf(error: unknown): string {
  const cause = error instanceof Fault ? (error.cause ?? error) : error;
  return cause instanceof Error ? cause.message : String(cause);
}
