import { readFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { Ajv } from "ajv";
import { Fault } from "./core/errors/fault.js";
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
  readonly tls?: { readonly certFile: string; readonly keyFile: string; readonly caFile?: string };
  readonly tokens: readonly TokenConfig[];
  readonly colos: Readonly<Record<string, ColoConfig>>;
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

/** A driver: `builtin:process`, `npm:@acme/x`, `file:./x.js`. */
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
    tls: {
      type: "object",
      additionalProperties: false,
      required: ["certFile", "keyFile"],
      properties: { certFile: text, keyFile: text, caFile: text },
    },
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
      propertyNames: { pattern: "^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$" },
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
  if (check(config)) return config;
  const violations = (check.errors ?? []).map(({ instancePath, message, params }) => {
    const unknown = (params as { additionalProperty?: string }).additionalProperty;
    const field = instancePath.slice(1).replaceAll("/", ".") || "configuration";
    const description = unknown ? `there is no setting ${unknown}` : (message ?? "is wrong");
    return { field, description };
  });
  const say = violations.map((one) => `${one.field}: ${one.description}`).join("\n");
  throw new Fault("CONFIG_INVALID", { say, violations });
}
