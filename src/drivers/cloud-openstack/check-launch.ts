import type { LaunchConfiguration } from "../../core/model/group.js";
import type { Call } from "../../core/ports/call.js";
import type { LaunchProblem } from "../../core/ports/cloud.js";
import type { Openstack } from "../openstack/client.js";
import { listIn, unlessNotFound } from "./answers.js";
import { problemsOfLaunch } from "./launch-problems.js";
import { limitsIn } from "./limits.js";
import type { Flavor, Image, Lookups } from "./lookups.js";
import { metadataPrefix } from "./ownership.js";
import { type Parameters, parametersOf } from "./parameters.js";
import { bootsFrom, microversion, personalityMicroversion } from "./server-body.js";

interface Asked {
  readonly account: string;
  readonly launch: LaunchConfiguration;
}

interface Parts {
  readonly openstack: Openstack;
  readonly lookups: Lookups;
}

/** All that the cloud would not take of a launch configuration, or has not got. */
export async function findProblems(
  parts: Parts,
  asked: Asked,
  call: Call,
): Promise<readonly LaunchProblem[]> {
  const { openstack } = parts;
  const { account, launch } = asked;
  const problems = problemsOfLaunch(launch);
  if (problems.length > 0) return problems;
  const parameters = parametersOf(launch);
  const get: Get = async (service, path, query) => {
    const version = service === "compute" && {
      microversion: path === "/limits" ? personalityMicroversion : microversion,
    };
    const request = { account, service, method: "GET", path, query, ...version } as const;
    return (await unlessNotFound(openstack.request(request, call)))?.body;
  };
  // One after the other: the cloud is asked in one caller's turn.
  return [
    ...(await machineProblems(parts, asked, call)),
    ...(await zoneProblems(launch, get)),
    ...(await keyProblems(parameters, get)),
    ...(await networkProblems(parameters, get)),
    ...(await groupProblems(parameters, get)),
    ...(await limitProblems(launch, get)),
  ];
}

/** A body; undefined for what is not there. */
type Get = (
  service: "compute" | "network",
  path: string,
  query?: Readonly<Record<string, string>>,
) => Promise<unknown>;

/** Image and flavors: there, and fitting each other. */
async function machineProblems(
  { lookups }: Parts,
  { account, launch }: Asked,
  call: Call,
): Promise<LaunchProblem[]> {
  const { block_device_mapping_v2: devices = [] } = parametersOf(launch);
  const root = devices.find(bootsFrom);
  const isVolume = root?.destination_type === "volume";
  const needsImage = !isVolume || (root?.source_type === "image" && root.uuid === undefined);
  const names = [launch.flavor, ...(launch.fallbackFlavors ?? [])];
  const image =
    needsImage || launch.image !== ""
      ? await imageOf(lookups, account, launch.image, call)
      : undefined;
  const flavors: (Flavor | string)[] = [];
  for (const name of names) flavors.push(await lookups.flavor({ account }, name, call));
  const imageSays = typeof image === "string" ? [{ field: "image", description: image }] : [];
  const flavorsSay = flavors.flatMap((flavor, index) => {
    const field = index === 0 ? "flavor" : `fallback_flavors[${index - 1}]`;
    if (typeof flavor === "string") return [{ field, description: flavor }];
    if (typeof image !== "object") return [];
    return misfits(image, flavor, isVolume).map((description) => ({ field, description }));
  });
  return [...imageSays, ...flavorsSay];
}

async function imageOf(lookups: Lookups, account: string, name: string, call: Call) {
  if (name.trim() === "") return "must not be blank";
  const image = await lookups.image({ account }, name, call);
  if (typeof image === "string" || image.status === "active") return image;
  return `is ${image.status}, not active`;
}

/** The root disk is the volume's own matter where the server boots from one. */
function misfits(image: Image, { ram, disk }: Flavor, isVolume: boolean): string[] {
  return [
    ...(ram < image.min_ram ? [`has ${ram} MiB of memory; the image needs ${image.min_ram}`] : []),
    ...(!isVolume && disk !== 0 && disk < image.min_disk
      ? [`has ${disk} GiB of disk; the image needs ${image.min_disk}`]
      : []),
  ];
}

interface Zone {
  readonly zoneName: string;
  readonly zoneState: { readonly available: boolean };
}

async function zoneProblems(
  { availabilityZones = [] }: LaunchConfiguration,
  get: Get,
): Promise<LaunchProblem[]> {
  if (availabilityZones.length === 0) return [];
  const body = await get("compute", "/os-availability-zone");
  const zones = listIn<Zone>(body, "availabilityZoneInfo");
  return availabilityZones.flatMap((name, index) => {
    const zone = zones.find(({ zoneName }) => zoneName === name);
    if (zone?.zoneState.available) return [];
    const description = zone ? `zone ${name} is not available` : `there is no zone ${name}`;
    return [{ field: `availability_zones[${index}]`, description }];
  });
}

async function keyProblems({ key_name }: Parameters, get: Get): Promise<LaunchProblem[]> {
  if (key_name === undefined) return [];
  if (await get("compute", `/os-keypairs/${encodeURIComponent(key_name)}`)) return [];
  const description = "the credentials' user has no such key pair";
  return [{ field: "parameters.key_name", description }];
}

async function networkProblems({ networks }: Parameters, get: Get): Promise<LaunchProblem[]> {
  const problems: LaunchProblem[] = [];
  for (const [index, { uuid, port }] of typeof networks === "string" ? [] : networks.entries()) {
    const [what, key, id] = port === undefined ? ["network", "uuid", uuid] : ["port", "port", port];
    if (await get("network", `/v2.0/${what}s/${id}`)) continue;
    const field = `parameters.networks[${index}].${key}`;
    problems.push({ field, description: `there is no such ${what}` });
  }
  return problems;
}

/** By id, or by a name that only one has, as Nova takes them. */
async function groupProblems(
  { security_groups = [] }: Parameters,
  get: Get,
): Promise<LaunchProblem[]> {
  const path = "/v2.0/security-groups";
  const problems: LaunchProblem[] = [];
  for (const [index, { name }] of security_groups.entries()) {
    if (await get("network", `${path}/${encodeURIComponent(name)}`)) continue;
    const count = listIn(await get("network", path, { name }), "security_groups").length;
    if (count === 1) continue;
    const many = `${count} security groups have this name: give the id of one`;
    const description = count === 0 ? "there is no such security group" : many;
    problems.push({ field: `parameters.security_groups[${index}].name`, description });
  }
  return problems;
}

/** What the project's limits leave no room for. */
async function limitProblems(launch: LaunchConfiguration, get: Get): Promise<LaunchProblem[]> {
  const limits = limitsIn(await get("compute", "/limits"));
  const isOver = (count: number, name: string) => count > (limits(name) ?? count);
  const { personality = [] } = parametersOf(launch);
  const entries = Object.keys(launch.metadata).length + ownEntries;
  const files = "parameters.personality";
  return [
    ...(isOver(entries, "maxServerMeta")
      ? [{ field: "metadata", description: tooMany(entries, limits("maxServerMeta")) }]
      : []),
    ...(isOver(personality.length, "maxPersonality")
      ? [{ field: files, description: `the cloud takes ${limits("maxPersonality")} files` }]
      : []),
    ...personality.flatMap(({ contents }, index) => {
      const bytes = Buffer.from(contents, "base64").length;
      const description = `over ${limits("maxPersonalitySize")} bytes`;
      const field = `${files}[${index}].contents`;
      return isOver(bytes, "maxPersonalitySize") ? [{ field, description }] : [];
    }),
  ];
}

function tooMany(entries: number, max: number | undefined): string {
  return `${entries} entries, ${ownEntries} of them ${metadataPrefix}*; the cloud takes ${max}`;
}

/** Ownership has six, and the address network one. */
const ownEntries = 7;
