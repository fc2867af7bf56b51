import type { LaunchConfiguration } from "../../core/model/group.js";
import type { LaunchProblem } from "../../core/ports/cloud.js";
import { markers } from "./process-table.js";

/** Where everything that this cloud runs can be reached. */
export const host = "127.0.0.1";

export const launchLimits = {
  argumentsMax: 256,
  variablesMax: 256,
  /** Linux takes at most 128 KiB for one argument or variable. */
  textBytesMax: 100_000,
  userDataBytesMax: 65_535,
} as const;

/** What a server's process is started with. */
export interface Birth {
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** All that is wrong with a launch configuration, by field. */
export function findProblems(launch: LaunchConfiguration): readonly LaunchProblem[] {
  return [
    ...unknownParameters(launch.parameters),
    ...commandProblems(launch.parameters["command"]),
    ...envProblems(launch.parameters["env"]),
    ...metadataProblems(launch.metadata),
    ...textProblems("image", launch.image),
    ...textProblems("flavor", launch.flavor),
    ...(Buffer.byteLength(launch.userData) > launchLimits.userDataBytesMax
      ? [{ field: "user_data", description: `over ${launchLimits.userDataBytesMax} bytes` }]
      : []),
    ...(launch.availabilityZones && launch.availabilityZones.length > 0
      ? [{ field: "availability_zones", description: "this cloud has no zones" }]
      : []),
  ];
}

/** Command line and variables of one server. The launch must have no problems. */
export function birthOf(
  launch: LaunchConfiguration,
  server: {
    readonly id: string;
    readonly port: number;
    readonly userDataPath: string;
    readonly cloud: string;
    readonly born: string;
    readonly path: string;
  },
): Birth {
  const port = String(server.port);
  const fill = (text: string) => text.replaceAll("{port}", port);
  const given = (launch.parameters["env"] ?? {}) as Readonly<Record<string, string>>;
  const metadata = Object.entries(launch.metadata);
  return {
    command: (launch.parameters["command"] as readonly string[]).map(fill),
    env: {
      PATH: server.path,
      ...Object.fromEntries(Object.entries(given).map(([key, value]) => [key, fill(value)])),
      ...Object.fromEntries(metadata.map(([key, value]) => [metadataVariable(key), value])),
      MUSTER_HOST: host,
      MUSTER_PORT: port,
      MUSTER_IMAGE: launch.image,
      MUSTER_FLAVOR: launch.flavor,
      MUSTER_USER_DATA: server.userDataPath,
      [markers.serverId]: server.id,
      [markers.cloud]: server.cloud,
      [markers.born]: server.born,
    },
  };
}

/** `role.main` becomes `MUSTER_METADATA_ROLE_MAIN`. */
function metadataVariable(key: string): string {
  return `MUSTER_METADATA_${key.toUpperCase().replaceAll(/[^A-Z0-9]/g, "_")}`;
}

function unknownParameters(parameters: LaunchConfiguration["parameters"]): LaunchProblem[] {
  return Object.keys(parameters)
    .filter((key) => key !== "command" && key !== "env")
    .map((key) => ({ field: `parameters.${key}`, description: "unknown: use command or env" }));
}

function commandProblems(command: unknown): LaunchProblem[] {
  const field = "parameters.command";
  if (!Array.isArray(command) || command.length === 0)
    return [{ field, description: "must be a list of at least one text" }];
  if (command.length > launchLimits.argumentsMax)
    return [{ field, description: `over ${launchLimits.argumentsMax} arguments` }];
  const problems = command.flatMap((one, index) => textProblems(`${field}[${index}]`, one));
  if (command[0] === "") problems.push({ field: `${field}[0]`, description: "must not be empty" });
  return problems;
}

function envProblems(env: unknown): LaunchProblem[] {
  const field = "parameters.env";
  if (env === undefined) return [];
  if (typeof env !== "object" || env === null || Array.isArray(env))
    return [{ field, description: "must be an object of texts" }];
  const entries = Object.entries(env);
  if (entries.length > launchLimits.variablesMax)
    return [{ field, description: `over ${launchLimits.variablesMax} variables` }];
  return entries.flatMap(([key, value]) => {
    const own = `${field}.${key}`;
    if (!/^[A-Za-z_]\w*$/.test(key)) return [{ field: own, description: "not a variable's name" }];
    if (key.startsWith("MUSTER_")) return [{ field: own, description: "MUSTER_ is taken" }];
    return textProblems(own, value);
  });
}

/**
 * Two keys that become one variable would overwrite each other, and one would not arrive (M4.4).
 */
function metadataProblems(metadata: LaunchConfiguration["metadata"]): LaunchProblem[] {
  const entries = Object.entries(metadata);
  if (entries.length > launchLimits.variablesMax)
    return [{ field: "metadata", description: `over ${launchLimits.variablesMax} entries` }];
  const seen = new Map<string, string>();
  return entries.flatMap(([key, value]) => {
    const field = `metadata.${key}`;
    const variable = metadataVariable(key);
    const twin = seen.get(variable);
    seen.set(variable, key);
    if (twin !== undefined) return [{ field, description: `becomes ${variable}, as does ${twin}` }];
    return textProblems(field, value);
  });
}

function textProblems(field: string, text: unknown): LaunchProblem[] {
  if (typeof text !== "string") return [{ field, description: "must be a text" }];
  if (text.includes("\0")) return [{ field, description: "must not hold a zero byte" }];
  if (Buffer.byteLength(text) > launchLimits.textBytesMax)
    return [{ field, description: `over ${launchLimits.textBytesMax} bytes` }];
  return [];
}
