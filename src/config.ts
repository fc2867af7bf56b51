import { readFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { Ajv, type ErrorObject } from "ajv";
import { Fault, type FieldViolation, invalidConfig } from "./core/errors/fault.js";
import { type Role, roles } from "./server/permissions.js";

/** What a configuration file says. Everything has a default but the colos and the tokens. */
export interface Config {
  /** Goes into the tags of every server; two installations that share a cloud need two names. */
  readonly installation?: string;
  /** `host:port`. */
  readonly listen?: string;
  readonly dataDir?: string;
  /** While this file is there, nothing is done to the outside. Default `<dataDir>/STOP`. */
  readonly killSwitchFile?: string;
  /** Keys for accounts' credentials. Default `<dataDir>/secrets.key`, made at first need. */
  readonly secretsKeyFile?: string;
  /** Where the state is; default: a file in the data folder, for this node alone. */
  readonly store?: PluginConfig;
  readonly tls?: { readonly certFile: string; readonly keyFile: string; readonly caFile?: string };
  /** Where history is kept and searched. Default: `<dataDir>/events.db`. */
  readonly journal?: PluginConfig;
  readonly tokens: readonly TokenConfig[];
  readonly colos: Readonly<Record<string, ColoConfig>>;
  readonly notifications?: NotificationsConfig;
  /** Where the queries of policies are asked. */
  readonly prometheus?: PrometheusConfig;
  /** Nodes of the installation's other colos, and where they find this one. */
  readonly peers?: PeersConfig;
}

export interface NotificationsConfig {
  /** Networks that notifiers may post to although they are private: `10.1.0.0/16`. */
  readonly allow: readonly string[];
}

export interface PrometheusConfig {
  /** `http://127.0.0.1:9090`, without a user or a query. */
  readonly url: string;
  /** A file with a bearer token for it. */
  readonly tokenFile?: string;
}

export interface PeersConfig {
  /** `host:port`. */
  readonly listen: string;
  /** This node's, with the name `muster-peer.INSTALLATION`; for both directions. */
  readonly certFile: string;
  readonly keyFile: string;
  readonly caFile: string;
  /** `host:port` of each node of each other colo. */
  readonly colos: Readonly<Record<string, readonly string[]>>;
}

export interface TokenConfig {
  readonly principal: string;
  /** Better `tokenSha256`: then the file holds no secret. */
  readonly token?: string;
  readonly tokenSha256?: string;
  readonly roles: readonly { readonly account: string; readonly role: Role }[];
}

export interface ColoConfig {
  readonly cloud: PluginConfig;
  readonly loadBalancers?: PluginConfig;
  /** How often the cloud is looked at while something is on its way. Default 2,000 ms. */
  readonly pollMs?: number;
  /** Steps on their way to the cloud at once. Default 32. */
  readonly concurrency?: number;
}

/** A driver, or a store: `builtin:process`, `npm:@acme/x`, `file:./x.js`. */
export interface PluginConfig {
  readonly use: string;
  readonly options?: unknown;
}

const text = { type: "string", minLength: 1, maxLength: 1_000 } as const;
const plugin = {
  type: "object",
  additionalProperties: false,
  required: ["use"],
  properties: { use: text, options: { type: "object" } },
} as const;

const coloName = { pattern: "^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$" } as const;

const configSchema = {
  type: "object",
  additionalProperties: false,
  required: ["tokens", "colos"],
  properties: {
    installation: { type: "string", pattern: "^[a-z0-9-]{1,63}$" },
    listen: text,
    dataDir: text,
    killSwitchFile: text,
    secretsKeyFile: text,
    store: plugin,
    tls: {
      type: "object",
      additionalProperties: false,
      required: ["certFile", "keyFile"],
      properties: { certFile: text, keyFile: text, caFile: text },
    },
    journal: plugin,
    tokens: {
      type: "array",
      minItems: 1,
      items: {
        type: "object",
        additionalProperties: false,
        required: ["principal", "roles"],
        properties: {
          principal: text,
          token: text,
          tokenSha256: { type: "string", pattern: "^[0-9a-f]{64}$" },
          roles: {
            type: "array",
            minItems: 1,
            items: {
              type: "object",
              additionalProperties: false,
              required: ["account", "role"],
              properties: { account: text, role: { enum: Object.keys(roles) } },
            },
          },
        },
      },
    },
    colos: {
      type: "object",
      minProperties: 1,
      maxProperties: 64,
      propertyNames: coloName,
      additionalProperties: {
        type: "object",
        additionalProperties: false,
        required: ["cloud"],
        properties: {
          cloud: plugin,
          loadBalancers: plugin,
          pollMs: { type: "integer", minimum: 10, maximum: 60_000 },
          concurrency: { type: "integer", minimum: 4, maximum: 1_000 },
        },
      },
    },
    prometheus: {
      type: "object",
      additionalProperties: false,
      required: ["url"],
      properties: { url: { ...text, pattern: "^https?://[^@?#]+$" }, tokenFile: text },
    },
    notifications: {
      type: "object",
      additionalProperties: false,
      required: ["allow"],
      properties: { allow: { type: "array", maxItems: 100, items: text } },
    },
    peers: {
      type: "object",
      additionalProperties: false,
      required: ["listen", "certFile", "keyFile", "caFile", "colos"],
      properties: {
        listen: text,
        certFile: text,
        keyFile: text,
        caFile: text,
        colos: {
          type: "object",
          maxProperties: 64,
          propertyNames: coloName,
          additionalProperties: { type: "array", minItems: 1, maxItems: 100, items: text },
        },
      },
    },
  },
} as const;

/** Reads a configuration file; paths in it are relative to it. @throws Fault `CONFIG_INVALID` */
export async function readConfig(path: string): Promise<{ config: Config; baseDir: string }> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(await readFile(path, "utf8"));
  } catch (error) {
    throw new Fault("CONFIG_INVALID", { say: `${path}: ${sayUnread(error as Error)}` });
  }
  return { config: checkConfig(parsed), baseDir: dirname(resolve(path)) };
}

/** What JSON.parse quotes of the file may be a token, so it is left out. */
function sayUnread({ message }: Error): string {
  return message.replace(/,? *(\.\.\.)?".*"(\.\.\.)? is not valid JSON$/s, ": this is no JSON");
}

/** @throws Fault `CONFIG_INVALID` naming every problem. */
export function checkConfig(config: unknown): Config {
  const ajv = new Ajv({ allErrors: true, strict: true });
  const check = ajv.compile<Config>(configSchema);
  const violations = check(config) ? checkPeers(config) : schemaViolations(check.errors ?? []);
  if (violations.length === 0) return config as Config;
  throw invalidConfig(violations);
}

function schemaViolations(errors: readonly ErrorObject[]): readonly FieldViolation[] {
  return errors.map(({ instancePath, message, params }) => {
    const unknown = (params as { additionalProperty?: string }).additionalProperty;
    const field = instancePath.slice(1).replaceAll("/", ".") || "configuration";
    const description = unknown ? `there is no setting ${unknown}` : (message ?? "is wrong");
    return { field, description };
  });
}

/** What no schema can say. */
function checkPeers({ installation, colos, peers }: Config): readonly FieldViolation[] {
  if (!peers) return [];
  const both = Object.keys(peers.colos).filter((colo) => Object.hasOwn(colos, colo));
  const addresses = [
    ["peers.listen", peers.listen] as const,
    ...Object.entries(peers.colos).flatMap(([colo, all]) =>
      all.map((one, index) => [`peers.colos.${colo}.${index}`, one] as const),
    ),
  ];
  return [
    ...(installation === undefined
      ? [{ field: "installation", description: "must be given where there are peers" }]
      : []),
    ...both.map((colo) => ({
      field: `peers.colos.${colo}`,
      description: "is one of this node's own colos",
    })),
    ...addresses.flatMap(([field, address]) =>
      parseAddress(address) ? [] : [{ field, description: "is not host:port" }],
    ),
  ];
}

/** `127.0.0.1:7350`, `[::1]:7350`; undefined for anything else. */
export function parseAddress(
  address: string,
): { readonly host: string; readonly port: number } | undefined {
  const [, bracketed, plain, port] = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(address) ?? [];
  const host = bracketed ?? plain;
  if (host === undefined || port === undefined || Number(port) > 65_535) return undefined;
  return { host, port: Number(port) };
}
