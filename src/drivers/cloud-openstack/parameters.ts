import { Ajv, type ErrorObject } from "ajv";
import type { LaunchConfiguration } from "../../core/model/group.js";
import type { LaunchProblem } from "../../core/ports/cloud.js";
import { isOwnTag, ownTags } from "./ownership.js";

/**
 * What a launch configuration may hold for Nova, by Nova's own names and in its own form: it
 * reaches Nova unchanged (M4.4).
 */
export interface Parameters {
  readonly networks: "auto" | "none" | readonly NetworkRequest[];
  /** Of which network the servers tell their address; default: the first that gave one. */
  readonly address_network?: string;
  readonly key_name?: string;
  readonly security_groups?: readonly { readonly name: string }[];
  /** Files for the server; contents in Base64. */
  readonly personality?: readonly { readonly path: string; readonly contents: string }[];
  readonly config_drive?: boolean;
  readonly block_device_mapping_v2?: readonly BlockDevice[];
  readonly scheduler_hints?: Readonly<Record<string, unknown>>;
  readonly tags?: readonly string[];
  readonly description?: string;
  readonly "OS-DCF:diskConfig"?: "AUTO" | "MANUAL";
}

export interface NetworkRequest {
  readonly uuid?: string;
  readonly port?: string;
  readonly fixed_ip?: string;
  readonly tag?: string;
}

export interface BlockDevice {
  readonly source_type: "volume" | "image" | "snapshot" | "blank";
  readonly destination_type: "local" | "volume";
  readonly uuid?: string;
  readonly boot_index?: number | null;
  readonly delete_on_termination?: boolean;
  readonly [key: string]: unknown;
}

const text = (maxLength: number) => ({ type: "string", minLength: 1, maxLength }) as const;
const uuid = {
  type: "string",
  pattern: "^[0-9a-fA-F]{8}(-?[0-9a-fA-F]{4}){3}-?[0-9a-fA-F]{12}$",
  description: "must be a UUID",
} as const;
const base64 = {
  type: "string",
  maxLength: 65_535,
  pattern: "^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$",
  description: "must be Base64",
} as const;
/** What Nova has room for; `,` and `/` would break the lists and paths that tags stand in. */
const tag = {
  type: "string",
  pattern: "^[^,/]{1,60}$",
  description: "must have 1 to 60 characters, none of them , or /",
} as const;
const tagsMax = 50;

const blockDevice = {
  type: "object",
  additionalProperties: false,
  required: ["source_type", "destination_type"],
  properties: {
    source_type: { enum: ["volume", "image", "snapshot", "blank"] },
    destination_type: { enum: ["local", "volume"] },
    uuid,
    boot_index: { type: ["integer", "null"] },
    delete_on_termination: { type: "boolean" },
    volume_size: { type: "integer", minimum: 1 },
    volume_type: text(255),
    guest_format: text(255),
    device_type: text(255),
    device_name: text(255),
    disk_bus: text(255),
    tag,
  },
} as const;

const schema = {
  type: "object",
  additionalProperties: false,
  required: ["networks"],
  properties: {
    networks: {
      if: { type: "string" },
      // biome-ignore lint/suspicious/noThenProperty: JSON Schema calls it so.
      then: { enum: ["auto", "none"] },
      else: {
        type: "array",
        minItems: 1,
        maxItems: 64,
        items: {
          type: "object",
          additionalProperties: false,
          properties: { uuid, port: uuid, fixed_ip: text(45), tag },
        },
      },
    },
    address_network: text(255),
    key_name: text(255),
    security_groups: {
      type: "array",
      maxItems: 64,
      items: {
        type: "object",
        additionalProperties: false,
        required: ["name"],
        properties: { name: text(255) },
      },
    },
    personality: {
      type: "array",
      maxItems: 64,
      items: {
        type: "object",
        additionalProperties: false,
        required: ["path", "contents"],
        properties: { path: text(255), contents: base64 },
      },
    },
    config_drive: { type: "boolean" },
    block_device_mapping_v2: { type: "array", maxItems: 255, items: blockDevice },
    scheduler_hints: { type: "object" },
    tags: { type: "array", maxItems: tagsMax - ownTags, uniqueItems: true, items: tag },
    description: text(255),
    "OS-DCF:diskConfig": { enum: ["AUTO", "MANUAL"] },
  },
} as const;

const ajv = new Ajv({ allErrors: true, strict: true, allowUnionTypes: true, verbose: true });
const validate = ajv.compile(schema);

/** The parameters that `problemsOfLaunch` finds nothing wrong with. */
export function parametersOf({ parameters }: Pick<LaunchConfiguration, "parameters">): Parameters {
  return parameters as unknown as Parameters;
}

/** What is wrong with the parameters' form, by field. */
export function problemsOfForm(parameters: LaunchConfiguration["parameters"]): LaunchProblem[] {
  if (validate(parameters)) return [];
  const errors = (validate.errors ?? []).filter(({ keyword }) => keyword !== "if");
  return errors.map(problemOf);
}

function problemOf(error: ErrorObject): LaunchProblem {
  const { instancePath, keyword, message, params, parentSchema } = error;
  const more = params as Readonly<Record<string, unknown>>;
  const key = more["additionalProperty"] ?? more["missingProperty"];
  const parts = instancePath.split("/").slice(1).map(unescapePointer);
  const path = [...parts, ...(key === undefined ? [] : [String(key)])];
  const field = path.reduce(
    (before, part) => (/^\d+$/.test(part) ? `${before}[${part}]` : `${before}.${part}`),
    "parameters",
  );
  if (keyword === "additionalProperties") return { field, description: "unknown" };
  if (keyword === "required") return { field, description: "is required" };
  const rule: unknown = keyword === "pattern" ? parentSchema?.["description"] : undefined;
  if (typeof rule === "string") return { field, description: rule };
  const allowed = more["allowedValues"];
  const values = Array.isArray(allowed) ? `: ${allowed.join(", ")}` : "";
  return { field, description: `${message ?? keyword}${values}` };
}

function unescapePointer(part: string): string {
  return part.replaceAll("~1", "/").replaceAll("~0", "~");
}

/** What no schema says of the parameters. Their form must be right. */
export function problemsOfSense(parameters: Parameters): LaunchProblem[] {
  const { networks, tags = [], personality, block_device_mapping_v2: devices = [] } = parameters;
  const of = (field: string, description: string): LaunchProblem => ({
    field: `parameters.${field}`,
    description,
  });
  const requests = typeof networks === "string" ? [] : networks;
  return [
    ...requests.flatMap(({ uuid: network, port }, index) =>
      (network === undefined) === (port === undefined)
        ? [of(`networks[${index}]`, "needs either uuid or port")]
        : [],
    ),
    ...tags.flatMap((one, index) =>
      isOwnTag(one) ? [of(`tags[${index}]`, "muster: is taken")] : [],
    ),
    ...devices.flatMap((device, index) => {
      const field = `block_device_mapping_v2[${index}]`;
      if (makesVolume(device) && device.delete_on_termination !== true)
        return [
          of(`${field}.delete_on_termination`, "must be true: the volume would be left over"),
        ];
      if (personality && device["volume_type"] !== undefined)
        return [of(`${field}.volume_type`, "no Nova takes it together with personality")];
      return [];
    }),
  ];
}

/** Whether Nova makes a volume for it, which would outlive the server. */
function makesVolume({ source_type, destination_type }: BlockDevice): boolean {
  return destination_type === "volume" && source_type !== "volume";
}
