import { open, readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { Fault } from "../../core/errors/fault.js";
import type { StoreHost } from "../../core/ports/store-definition.js";
import type { MigrateOptions } from "./migrate.js";

/** What the configuration says of the cluster. */
export interface CassandraOptions {
  readonly contactPoints: readonly string[];
  /** This node's own: its replicas alone are asked for what it writes. */
  readonly colo: string;
  /** All that keep copies. */
  readonly colos: Readonly<Record<string, ColoCopies>>;
  readonly keyspace: string;
  readonly credentialsFile?: string;
  readonly tls?: { readonly caFile: string; readonly certFile?: string; readonly keyFile?: string };
  readonly requestTimeoutMs: number;
}

interface ColoCopies {
  /** As Cassandra names it; default: as the colo is named. */
  readonly dataCenter?: string;
  readonly replicas: number;
}

const path = { type: "string", minLength: 1, maxLength: 1_000 } as const;
const coloName = "^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$";

export const cassandraOptionsSchema = {
  type: "object",
  additionalProperties: false,
  required: ["contactPoints", "colo", "colos"],
  properties: {
    contactPoints: {
      type: "array",
      minItems: 1,
      maxItems: 32,
      items: { type: "string", pattern: "^[A-Za-z0-9.-]{1,253}:[1-9][0-9]{0,4}$" },
      description:
        "host:port of some nodes of this colo; all nodes listen on the first one's port.",
    },
    colo: { type: "string", pattern: coloName, description: "This node's own." },
    colos: {
      type: "object",
      minProperties: 1,
      maxProperties: 64,
      propertyNames: { pattern: coloName },
      additionalProperties: {
        type: "object",
        additionalProperties: false,
        required: ["replicas"],
        properties: {
          dataCenter: { type: "string", pattern: "^[A-Za-z0-9_-]{1,48}$" },
          replicas: { type: "integer", minimum: 1, maximum: 9 },
        },
      },
    },
    keyspace: { type: "string", pattern: "^[a-z][a-z0-9_]{0,47}$", default: "muster" },
    credentialsFile: path,
    tls: {
      type: "object",
      additionalProperties: false,
      required: ["caFile"],
      dependencies: { certFile: ["keyFile"], keyFile: ["certFile"] },
      properties: { caFile: path, certFile: path, keyFile: path },
    },
    requestTimeoutMs: {
      type: "integer",
      minimum: 500,
      maximum: 60_000,
      default: 12_000,
      description: "After that an answer is taken as lost; longer than the server's own timeouts.",
    },
  },
} as const;

/** Credentials are two short words. */
const credentialBytesMax = 4_096;

/**
 * How to reach the cluster, files read. No file's content is ever told.
 *
 * @throws Fault `CONFIG_INVALID` naming the option.
 */
export async function readOptions(
  options: CassandraOptions,
  { baseDir, colos: served }: Pick<StoreHost, "baseDir" | "colos">,
): Promise<MigrateOptions & { readonly colo: string }> {
  const { contactPoints, colo, colos, keyspace, requestTimeoutMs, tls } = options;
  const own = Object.hasOwn(colos, colo) ? colos[colo] : undefined;
  if (!own) throw invalid("colo", `is ${colo}, which is not among its colos`);
  // Two data centres' quorums of their own for one placement would be two truths.
  const foreign = served.find((one) => one !== colo && Object.hasOwn(colos, one));
  if (foreign !== undefined)
    throw invalid("colo", `is ${colo}: ${foreign} is served by nodes of its own alone`);
  const from = (file: string) => resolve(baseDir, file);
  const { credentialsFile } = options;
  return {
    ...{ contactPoints, colo, keyspace, requestTimeoutMs },
    dataCenter: own.dataCenter ?? colo,
    replicas: Object.fromEntries(
      Object.entries(colos).map(([name, one]) => [one.dataCenter ?? name, one.replicas]),
    ),
    ...(credentialsFile && { credentials: await readCredentials(from(credentialsFile)) }),
    ...(tls && {
      tls: {
        ca: await readPem("tls.caFile", from(tls.caFile)),
        ...(tls.certFile && { cert: await readPem("tls.certFile", from(tls.certFile)) }),
        ...(tls.keyFile && { key: await readPem("tls.keyFile", from(tls.keyFile)) }),
      },
    }),
  };
}

function readPem(option: string, file: string): Promise<Buffer> {
  return readFile(file).catch((error: Error) => {
    throw invalid(option, `cannot be read: ${error.message}`);
  });
}

/** `{"username": …, "password": …}`, for its owner alone. */
async function readCredentials(file: string): Promise<{ username: string; password: string }> {
  const wrong = (say: string) => invalid("credentialsFile", `${file} ${say}`);
  const handle = await open(file, "r").catch((error: Error) => {
    throw wrong(`cannot be read: ${error.message}`);
  });
  try {
    if (((await handle.stat()).mode & 0o077) !== 0)
      throw wrong("is open to others than its owner: chmod 600 it");
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(credentialBytesMax));
    const { username, password } = parse(buffer.toString("utf8", 0, bytesRead));
    if (typeof username === "string" && typeof password === "string") return { username, password };
    throw wrong('is not of the form {"username": "…", "password": "…"}');
  } finally {
    await handle.close();
  }
}

/** What JSON.parse says would quote the secret. */
function parse(text: string): { readonly username?: unknown; readonly password?: unknown } {
  try {
    return (JSON.parse(text) ?? {}) as object;
  } catch {
    return {};
  }
}

function invalid(option: string, say: string): Fault {
  const description = `store.options.${option} ${say}`;
  return new Fault("CONFIG_INVALID", { say: description });
}
