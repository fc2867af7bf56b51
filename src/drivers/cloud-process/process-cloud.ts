import { OutsideFault } from "../../core/errors/outside-fault.js";
import type { CloudServer } from "../../core/model/server.js";
import type { Call } from "../../core/ports/call.js";
import type {
  CloudDriver,
  CreateServer,
  ListServers,
  Pinned,
  ServerRef,
} from "../../core/ports/cloud.js";
import type { DriverHost } from "../../core/ports/driver.js";
import { createBirths } from "./births.js";
import { findProblems } from "./launch.js";
import type { ProcessCloudOptions } from "./options.js";
import { createProcessTable } from "./process-table.js";
import { createReaper } from "./reaper.js";
import { codeOf, type Entry, openRecords, type Records } from "./records.js";
import { recoverServers } from "./recover.js";
import { createViewer, type Viewer } from "./view.js";

/** Opens the cloud in `host.dataDir`: what was there is there again, what was leaving goes on. */
export async function createProcessCloud(
  options: ProcessCloudOptions,
  host: DriverHost,
): Promise<CloudDriver> {
  if (options.portRange.from > options.portRange.to)
    throw new OutsideFault("badRequest", "portRange.from is above portRange.to");
  const { clock, log } = host;
  const records = await openRecords(host.dataDir, clock.nowMs());
  const table = await createProcessTable();
  await recoverServers({ records, table, cloud: host.dataDir, log });
  const viewer = createViewer({ records, table, clock });
  const births = await createBirths({ options, host, records, viewer });
  const reaper = createReaper({ records, table, clock, log, stopGraceMs: options.stopGraceMs });
  for (const port of await records.ports())
    if ((await records.read(port))?.deletingSinceMs !== undefined) reaper.take(port);

  let closed = false;
  const guard = <Answer>(call: Call, work: () => Promise<Answer>) =>
    guarded(() => closed, call, work);
  return {
    capabilities: { listingLagMs: 0, createDeadlineMs: 30_000, reportsPort: true },
    project: (_account, call) => guard(call, async () => onlyProject),
    createServer: (request, call) =>
      guard(call, async () => {
        refuseOtherProject(request);
        refuseBadLaunch(request);
        return await births.create(request, call.signal);
      }),
    deleteServer: (request, call) =>
      guard(call, async () => {
        const entry = await find(records, request);
        if (!entry) return "gone";
        if (entry.deletingSinceMs === undefined)
          await records.markDeleting(entry.record, clock.nowMs());
        reaper.take(entry.record.port);
        return "accepted";
      }),
    getServer: (request, call) =>
      guard(call, async () => {
        const entry = await find(records, request);
        return entry && (await viewer.view([entry]))[0];
      }),
    listServers: (request, call) =>
      guard(call, () => listPage({ records, viewer, ...options }, request)),
    findByIntention: (request, call) =>
      guard(call, async () => {
        refuseOtherProject(request);
        const { account, server } = request;
        const entries = await readAll(records, await records.ports());
        const isIt = ({ record, ownership }: Entry) =>
          record.account === account && ownership?.server === server;
        return await viewer.view(entries.filter(isIt));
      }),
    tagServer: (request, call) =>
      guard(call, async () => {
        const entry = await find(records, request);
        if (!entry) return "gone";
        await records.retag(entry.record, request.ownership);
        return "tagged";
      }),
    checkLaunch: ({ launch }, call) => guard(call, async () => findProblems(launch)),
    quota: (request, call) =>
      guard(call, async () => {
        refuseOtherProject(request);
        const used = (await records.ports()).length;
        return [{ resource: "servers", limit: options.quota, used, perServer: 1 }];
      }),
    async close() {
      closed = true;
      await births.close();
      await reaper.close();
    },
  };
}

/** In order of port: a server that exists all the while is listed exactly once. */
async function listPage(
  parts: { readonly records: Records; readonly viewer: Viewer; readonly pageServersMax: number },
  request: ListServers,
) {
  const { records, viewer, pageServersMax } = parts;
  const { account, installation, cursor } = request;
  refuseOtherProject(request);
  if (cursor !== undefined && !/^\d{1,5}$/.test(cursor))
    throw new OutsideFault("badRequest", `no cursor of this cloud: ${cursor}`);
  const after = Number(cursor ?? 0);
  const ports = (await records.ports()).filter((port) => port > after);
  const page = ports.slice(0, pageServersMax);
  const entries = (await readAll(records, page)).filter(
    ({ record, ownership }) =>
      record.account === account && ownership?.installation === installation,
  );
  const servers: readonly CloudServer[] = await viewer.view(entries);
  return ports.length > page.length ? { servers, next: String(page.at(-1)) } : { servers };
}

async function readAll(records: Records, ports: readonly number[]): Promise<readonly Entry[]> {
  const entries: Entry[] = [];
  for (let from = 0; from < ports.length; from += readsAtOnceMax) {
    const batch = ports.slice(from, from + readsAtOnceMax).map((port) => records.read(port));
    entries.push(...(await Promise.all(batch)).filter((entry) => entry !== undefined));
  }
  return entries;
}

const readsAtOnceMax = 100;

/** The port is the last part of the id. */
async function find(records: Records, request: ServerRef) {
  refuseOtherProject(request);
  const { account, id } = request;
  const port = /-([1-9]\d{0,4})$/.exec(id)?.[1];
  const entry = port === undefined ? undefined : await records.read(Number(port));
  return entry?.record.id === id && entry.record.account === account ? entry : undefined;
}

/** The machine itself: all accounts' processes live in it. */
const onlyProject = "machine";

function refuseOtherProject({ project = onlyProject }: Pinned): void {
  if (project === onlyProject) return;
  throw new OutsideFault("denied", `this cloud's only project is ${onlyProject}, not ${project}`);
}

function refuseBadLaunch({ launch, zone }: CreateServer): void {
  if (zone !== undefined) throw new OutsideFault("badRequest", "zone: this cloud has no zones");
  const [problem] = findProblems(launch);
  if (problem) throw new OutsideFault("badRequest", `${problem.field}: ${problem.description}`);
}

/** Every refusal as an OutsideFault. What the machine itself says may have happened half-way. */
async function guarded<Answer>(
  isClosed: () => boolean,
  { signal }: Call,
  work: () => Promise<Answer>,
): Promise<Answer> {
  if (isClosed()) throw new OutsideFault("temporary", "the cloud driver is closed");
  if (signal.aborted) throw new OutsideFault("temporary", "aborted before it began");
  try {
    return await work();
  } catch (error) {
    if (error instanceof OutsideFault) throw error;
    const kind = exhausted.has(codeOf(error)) ? "temporary" : "unknown";
    const message = error instanceof Error ? error.message : String(error);
    throw new OutsideFault(kind, message, { ambiguous: true, cause: error });
  }
}

/** The machine has none left at the moment. */
const exhausted: ReadonlySet<string> = new Set(["EAGAIN", "EMFILE", "ENFILE", "ENOMEM", "ENOSPC"]);
