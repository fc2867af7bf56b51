import { readFile } from "node:fs/promises";
import type { Auth, ClusterOptions } from "./cluster.js";

/** How a configuration names the cluster. */
export interface ElasticsearchOptions {
  /** Any of the cluster's nodes, two or three of them where it has several. */
  readonly nodes: readonly string[];
  /** A file with an API key as Elasticsearch encodes it. */
  readonly apiKeyFile?: string;
  /** With `passwordFile`, instead of `apiKeyFile`. */
  readonly username?: string;
  readonly passwordFile?: string;
  /** Certificates (PEM) trusted instead of the well-known ones. */
  readonly caFile?: string;
  /** Default "muster". */
  readonly indexPrefix?: string;
}

export const indexPrefixDefault = "muster";

const file = { type: "string", minLength: 1, maxLength: 1_000 } as const;

export const elasticsearchOptionsSchema = {
  type: "object",
  additionalProperties: false,
  required: ["nodes"],
  properties: {
    nodes: {
      type: "array",
      minItems: 1,
      maxItems: 16,
      items: { type: "string", pattern: "^https?://[^/?#@]+$" },
      description: "Some of the cluster's nodes: https://host:9200. Passwords go into a file.",
    },
    apiKeyFile: { ...file, description: "File with an API key as Elasticsearch encodes it." },
    username: { type: "string", minLength: 1, maxLength: 255, description: "With passwordFile." },
    passwordFile: { ...file, description: "File with the password of username." },
    caFile: { ...file, description: "Certificates (PEM) trusted instead of the well-known ones." },
    indexPrefix: {
      type: "string",
      pattern: "^[a-z][a-z0-9-]{0,39}$",
      description: "Begins the name of every index that Muster makes. Default muster.",
    },
  },
} as const;

/** @throws Error: a file cannot be read, or the options do not say who enters */
export async function readClusterOptions(options: ElasticsearchOptions): Promise<ClusterOptions> {
  const { nodes, caFile } = options;
  const auth = await readAuth(options);
  const ca = caFile === undefined ? undefined : await readFile(caFile, "utf8");
  return { nodes, ...(auth && { auth }), ...(ca !== undefined && { ca }) };
}

async function readAuth(options: ElasticsearchOptions): Promise<Auth | undefined> {
  const { apiKeyFile, username, passwordFile } = options;
  if (apiKeyFile !== undefined && (username ?? passwordFile) !== undefined)
    throw new Error("give apiKeyFile, or username and passwordFile, not both");
  if (apiKeyFile !== undefined) return { apiKey: await readSecret(apiKeyFile) };
  if (username === undefined && passwordFile === undefined) return undefined;
  if (username === undefined || passwordFile === undefined)
    throw new Error("username and passwordFile go together");
  return { username, password: await readSecret(passwordFile) };
}

/** @throws Error: nothing in it; without what else it holds */
async function readSecret(path: string): Promise<string> {
  const secret = (await readFile(path, "utf8")).trim();
  if (secret === "") throw new Error(`${path} is empty`);
  return secret;
}
