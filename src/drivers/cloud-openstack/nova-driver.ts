import { OutsideFault } from "../../core/errors/outside-fault.js";
import type { CloudServerId } from "../../core/model/ids.js";
import type { CloudServer } from "../../core/model/server.js";
import type { Call } from "../../core/ports/call.js";
import type {
  CloudDriver,
  CloudPage,
  CreateServer,
  ListServers,
  MadeServer,
  Pinned,
  ServerRef,
  TagServer,
  TailConsole,
} from "../../core/ports/cloud.js";
import type { DriverHost } from "../../core/ports/driver.js";
import type { Openstack } from "../openstack/client.js";
import { listIn, partIn, unlessNotFound } from "./answers.js";
import { findProblems } from "./check-launch.js";
import { createFaults, type Faults } from "./faults.js";
import { problemsOfLaunch } from "./launch-problems.js";
import { quotaOf } from "./limits.js";
import { createLookups, type Lookups } from "./lookups.js";
import { intentionTag, isOwnKey, isOwnTag, marksOf, ownerTag } from "./ownership.js";
import { createCallOf, microversion } from "./server-body.js";
import { type NovaServer, viewOf } from "./view.js";

interface Parts {
  readonly openstack: Openstack;
  readonly host: Pick<DriverHost, "clock" | "installation">;
  readonly lookups: Lookups;
  readonly faults: Faults;
  readonly pageServersMax: number;
}

/** Nova's servers, by the accounts' own credentials. Keeps nothing but names and old faults. */
export function createNovaDriver(given: Omit<Parts, "lookups" | "faults">): CloudDriver {
  const { openstack } = given;
  const lookups = createLookups(openstack);
  const parts: Parts = { ...given, lookups, faults: createFaults(openstack) };
  return {
    capabilities: { listingLagMs, createDeadlineMs, reportsPort: false },
    project: (account, call) => openstack.project(account, call),
    createServer: (request, call) => createServer(parts, request, call),
    async deleteServer(request, call) {
      const answer = await unlessNotFound(openstack.request(server(request, "DELETE"), call));
      return answer ? "accepted" : "gone";
    },
    async getServer(request, call) {
      const found = await read(parts, request, call);
      return found && viewOf(found, parts.host.installation);
    },
    listServers: (request, call) => listPage(parts, request, call),
    findByIntention: (request, call) => findByIntention(parts, request, call),
    tagServer: (request, call) => tagServer(parts, request, call),
    checkLaunch: (request, call) => findProblems(parts, request, call),
    async quota(request, call) {
      const { launch } = request;
      const flavor = await parts.lookups.flavor(request, launch.flavor, call);
      if (typeof flavor === "string")
        throw new OutsideFault("badRequest", `flavor ${launch.flavor}: ${flavor}`);
      const { body } = await openstack.request(compute(request, "GET", "/limits"), call);
      return quotaOf(body, flavor);
    },
    consoleTail: (request, call) => consoleTail(parts, request, call),
    async close() {
      openstack.close();
    },
  };
}

/**
 * Nova answers a create once it has written it down, and lists from there: none was ever missing.
 * The lag is for creates that Nova still works at when their caller has given up.
 */
const listingLagMs = 10_000;
/** Of 16 creates at once on a busy machine of two cores, the slowest took 16 s. */
const createDeadlineMs = 60_000;

async function createServer(parts: Parts, request: CreateServer, call: Call): Promise<MadeServer> {
  const { lookups, openstack, host } = parts;
  const { launch, name, ownership } = request;
  const [problem] = problemsOfLaunch(launch);
  if (problem) throw new OutsideFault("badRequest", `${problem.field}: ${problem.description}`);
  const [image, flavor] = await Promise.all([
    launch.image === "" ? "" : lookups.imageId(request, launch.image, call),
    lookups.flavorId(request, launch.flavor, call),
  ]);
  const create = createCallOf(request, { image, flavor });
  const asked = { ...compute(request, "POST", "/servers"), ...create };
  const { body, headers, requestId } = await openstack.request(asked, call);
  const id = (body as { readonly server?: { readonly id?: unknown } } | undefined)?.server?.id;
  if (typeof id !== "string")
    throw new OutsideFault("unknown", "compute answers without the new server's id", {
      ambiguous: true,
      ...(requestId !== undefined && { requestId }),
    });
  const { date } = headers;
  const createdAtMs = typeof date === "string" ? Date.parse(date) : Number.NaN;
  return {
    ...{ id: id as CloudServerId, name, status: "BUILD", taskState: "scheduling", ownership },
    // By the cloud's clock, as in its listings.
    createdAtMs: Number.isNaN(createdAtMs) ? host.clock.nowMs() : createdAtMs,
    ...(requestId !== undefined && { requestId }),
  };
}

async function read(parts: Parts, ref: ServerRef, call: Call): Promise<NovaServer | undefined> {
  const answer = await unlessNotFound(parts.openstack.request(server(ref, "GET"), call));
  if (!answer) return undefined;
  const found = partIn<NovaServer>(answer.body, "server");
  if (found.id === ref.id) return found;
  throw new OutsideFault("unknown", `compute does not answer with server ${ref.id}`);
}

async function listPage(parts: Parts, request: ListServers, call: Call): Promise<CloudPage> {
  const { cursor } = request;
  if (cursor !== undefined && !/^[\w-]{1,64}$/.test(cursor))
    throw new OutsideFault("badRequest", `no cursor of this cloud: ${cursor}`);
  const { servers, isLast } = await listTagged(parts, request, call, {
    tags: ownerTag(request),
    ...(cursor !== undefined && { marker: cursor }),
  });
  if (servers.some(({ id }) => id === cursor))
    throw new OutsideFault("unknown", "compute shows the same page twice");
  const next = servers.at(-1)?.id;
  return { servers, ...(!isLast && next !== undefined && { next }) };
}

async function findByIntention(
  parts: Parts,
  request: Pinned & { readonly server: string },
  call: Call,
): Promise<readonly CloudServer[]> {
  const query = { tags: intentionTag(request) };
  const { servers, isLast } = await listTagged(parts, request, call, query);
  if (!isLast) throw new OutsideFault("unknown", "too many servers carry one intention's tag");
  return servers;
}

/**
 * Servers by tag, one page. Never by metadata: Nova takes no notice of that filter for whoever is
 * not an administrator, and shows all of the project's servers.
 */
async function listTagged(
  parts: Parts,
  of: Pinned,
  call: Call,
  query: { readonly tags: string; readonly marker?: string },
) {
  const { openstack, faults, pageServersMax, host } = parts;
  const limited = { ...query, limit: String(pageServersMax) };
  const asked = { ...compute(of, "GET", "/servers/detail"), query: limited };
  const { body } = await openstack.request(asked, call);
  const servers = listIn<NovaServer>(body, "servers");
  const { servers_links } = body as {
    readonly servers_links?: readonly { readonly rel: string }[];
  };
  return {
    servers: (await faults.tell(of, servers, call)).map((one) => viewOf(one, host.installation)),
    isLast: !servers_links?.some(({ rel }) => rel === "next"),
  };
}

/** Metadata first: it is the record, and who finds only the half sees a server without tags. */
async function tagServer(parts: Parts, request: TagServer, call: Call): Promise<"tagged" | "gone"> {
  const { openstack } = parts;
  const found = await read(parts, request, call);
  if (!found) return "gone";
  const wanted = request.ownership && marksOf(request.ownership);
  const own = (path: string) => `/servers/${encodeURIComponent(request.id)}${path}`;
  const { metadata = {}, tags = [] } = found;
  const send = (method: "POST" | "PUT" | "DELETE", path: string, body?: unknown) =>
    openstack.request({ ...compute(request, method, own(path)), body }, call);

  if (wanted && Object.entries(wanted.metadata).some(([key, value]) => metadata[key] !== value))
    await send("POST", "/metadata", { metadata: wanted.metadata });
  if (!wanted)
    for (const key of Object.keys(metadata).filter(isOwnKey))
      await unlessNotFound(send("DELETE", `/metadata/${encodeURIComponent(key)}`));
  const keep = wanted?.tags ?? [];
  for (const tag of tags.filter((one) => isOwnTag(one) && !keep.includes(one)))
    await unlessNotFound(send("DELETE", `/tags/${encodeURIComponent(tag)}`));
  for (const tag of keep.filter((one) => !tags.includes(one)))
    await send("PUT", `/tags/${encodeURIComponent(tag)}`);
  return "tagged";
}

async function consoleTail(parts: Parts, request: TailConsole, call: Call): Promise<string> {
  const path = `/servers/${encodeURIComponent(request.id)}/action`;
  const body = { "os-getConsoleOutput": { length: request.linesMax } };
  const answer = await parts.openstack.request({ ...compute(request, "POST", path), body }, call);
  const { output } = (answer.body ?? {}) as { readonly output?: unknown };
  if (typeof output === "string") return output;
  throw new OutsideFault("unknown", "compute answers without the console's output");
}

function server(ref: ServerRef, method: "GET" | "DELETE") {
  return compute(ref, method, `/servers/${encodeURIComponent(ref.id)}`);
}

function compute<Method extends "GET" | "POST" | "PUT" | "DELETE">(
  { account, project }: Pinned,
  method: Method,
  path: string,
) {
  const service = "compute" as const;
  return { account, project, service, method, path, microversion };
}
