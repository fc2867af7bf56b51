import { OutsideFault } from "../../core/errors/outside-fault.js";
import type { CloudServer } from "../../core/model/server.js";
import type { Call } from "../../core/ports/call.js";
import type {
  CloudDriver,
  CreateServer,
  ListServers,
  MadeServer,
  Pinned,
  ServerRef,
} from "../../core/ports/cloud.js";
import { type Calls, createCalls, isScoped, refusalOf } from "./calls.js";
import { fitsCreate } from "./faults.js";
import { type SimulatedServer, viewAt } from "./timeline.js";
import type { World } from "./world.js";

/** A driver over a world. It keeps nothing: another one sees the same cloud. */
export function openView(world: World): CloudDriver {
  const calls = createCalls(world);
  const { listingLagMs, createDeadlineMs } = world.settings;
  return {
    capabilities: { listingLagMs, createDeadlineMs, reportsPort: false },
    project: (account, call) =>
      calls.make("project", account, call, async () =>
        world.settings.hasProjects ? projectOf(world, account) : undefined,
      ),
    createServer: (request, call) => createServer(world, calls, request, call),
    deleteServer: (request, call) => deleteServer(world, calls, request, call),
    getServer: (request, call) =>
      calls.make("get", request.account, call, async () => {
        if (isElsewhere(world, request)) return undefined;
        const server = world.get(request.id);
        return server?.account === request.account ? tellOf(world, server) : undefined;
      }),
    listServers: (request, call) =>
      calls.make("list", request.account, call, async () => listPage(world, request)),
    findByIntention: (request, call) =>
      calls.make("find", request.account, call, async () => {
        const isIt = ({ ownership }: SimulatedServer) => ownership?.server === request.server;
        const found = listed(world, request).filter(isIt);
        return found.flatMap((one) => tellOf(world, one) ?? []);
      }),
    tagServer: (request, call) =>
      calls.make("tag", request.account, call, async () => {
        if (isElsewhere(world, request)) return "gone";
        if (world.get(request.id)?.account !== request.account) return "gone";
        world.tag(request.id, request.ownership);
        return "tagged";
      }),
    checkLaunch: ({ account, launch }, call) =>
      calls.make("check", account, call, async () => problemsOf(world, account, launch)),
    quota: (request, call) =>
      calls.make("quota", request.account, call, async () => {
        if (isElsewhere(world, request)) throw new OutsideFault("notFound", "no project");
        const { account } = request;
        return [{ resource: "instances", perServer: 1, ...world.quotaOf(account) }];
      }),
    consoleTail: (request, call) =>
      calls.make("console", request.account, call, async () => {
        const server = isElsewhere(world, request) ? undefined : world.get(request.id);
        if (server?.account !== request.account) throw new OutsideFault("notFound", "no server");
        return `${server.name} login:\n`;
      }),
    close: calls.close,
  };
}

async function createServer(world: World, calls: Calls, request: CreateServer, call: Call) {
  const { account, name, launch, ownership, zone } = request;
  const { board, settings } = world;
  const birth = { account, name, launch, ownership, zone };
  return await calls.change<MadeServer>(
    "create",
    account,
    ownership.server,
    call,
    async (lose, answer) => {
      if (isElsewhere(world, request)) throw new OutsideFault("notFound", "no project");
      const [problem] = problemsOf(world, account, { ...launch, ...given(zone) });
      if (problem) throw new OutsideFault("badRequest", `${problem.field} ${problem.description}`);
      const refusal = board.strike("refuse", account, (fault) => {
        return fault.on.includes("create") && isScoped(fault) && fitsCreate(fault, birth);
      });
      if (refusal) throw refusalOf("create", refusal);
      if (world.refusesMore(account)) throw new OutsideFault("quota", "quota exceeded: servers");
      const late = board.strike("lateCreate", account);
      if (late) {
        settings.clock.after(late.delayMs, () => void world.create(birth));
        return await lose(false);
      }
      const unsent = board.strike("requestLost", account, (fault) => fault.on === "create");
      if (unsent) return await lose(unsent.hang);
      const server = world.create(birth);
      const unheard = board.strike("answerLost", account, (fault) => fault.on === "create");
      if (unheard) return await lose(unheard.hang);
      const view = viewAt(server, settings.clock.nowMs());
      if (!view) throw new OutsideFault("unknown", "gone at birth", { ambiguous: true });
      return await answer({ ...view, requestId: `req-${view.id}` });
    },
  );
}

async function deleteServer(world: World, calls: Calls, request: ServerRef, call: Call) {
  const { account, id } = request;
  const { board } = world;
  return await calls.change<"accepted" | "gone">(
    "delete",
    account,
    id,
    call,
    async (lose, answer) => {
      if (isElsewhere(world, request)) return "gone";
      const server = world.get(id);
      if (server?.account !== account) return "gone";
      if (board.strike("cellDown", account, ({ cell }) => cell === server.cell))
        throw new OutsideFault("temporary", "the server's cell is down");
      const unsent = board.strike("requestLost", account, (fault) => fault.on === "delete");
      if (unsent) return await lose(unsent.hang);
      world.remove(id);
      const unheard = board.strike("answerLost", account, (fault) => fault.on === "delete");
      if (unheard) return await lose(unheard.hang);
      return await answer("accepted");
    },
  );
}

function listPage(world: World, request: ListServers) {
  const { account, installation, cursor } = request;
  const { board, settings } = world;
  if (cursor !== undefined && !/^sim-\d+$/.test(cursor))
    throw new OutsideFault("badRequest", `no cursor of this cloud: ${cursor}`);
  const owned = listed(world, request).filter(
    (one) => one.ownership?.installation === installation,
  );
  const rest = owned.filter(({ id }) => cursor === undefined || id > cursor);
  const isLast = rest.length <= settings.pageServersMax;
  const show = (servers: readonly SimulatedServer[]) =>
    servers.flatMap((one) => tellOf(world, one) ?? []);

  const truncated = board.strike("listTruncated", account, (one) => one.serversMax < owned.length);
  if (truncated) return { servers: show(owned.slice(0, truncated.serversMax)) };
  if ((cursor !== undefined || isLast) && board.strike("pageFails", account))
    throw new OutsideFault("temporary", "the page could not be had");
  if (cursor !== undefined && board.strike("pageRepeated", account)) {
    const before = owned.filter(({ id }) => id <= cursor).slice(-settings.pageServersMax);
    return { servers: show(before), next: cursor };
  }
  const page = rest.slice(0, settings.pageServersMax);
  const next = page.at(-1)?.id;
  return { servers: show(page), ...(!isLast && next !== undefined && { next }) };
}

/** What the account's list and search know of. */
function listed(world: World, request: Pinned): readonly SimulatedServer[] {
  if (isElsewhere(world, request)) return [];
  const nowMs = world.settings.clock.nowMs();
  return world.allOf(request.account).filter((one) => one.listedAtMs <= nowMs);
}

/** The project that the account's credentials answer for at the moment. */
function projectOf(world: World, account: string): string {
  const isOther = world.board.strike("otherProject", account) !== undefined;
  return isOther ? `another-project-than-of-${account}` : `project-of-${account}`;
}

/** Whether the account's servers are out of reach. @throws OutsideFault where that is said. */
function isElsewhere(world: World, { account, project }: Pinned): boolean {
  const answersFor = projectOf(world, account);
  if (world.settings.hasProjects && project !== undefined && project !== answersFor)
    throw new OutsideFault("denied", `the credentials answer for ${answersFor}, not ${project}`);
  return answersFor !== `project-of-${account}`;
}

/** As the API tells of it: of a cell that is down it knows little. */
function tellOf(world: World, server: SimulatedServer): CloudServer | undefined {
  const view = viewAt(server, world.settings.clock.nowMs());
  const isDown = world.board.strike("cellDown", server.account, ({ cell }) => cell === server.cell);
  if (!view || !isDown) return view;
  const { address: _, taskState: __, fault: ___, ...rest } = view;
  return { ...rest, status: "UNKNOWN" };
}

function given(zone: string | undefined) {
  return zone === undefined ? {} : { availabilityZones: [zone] };
}

/** Named by the field of the launch configuration that asks for it. */
function problemsOf(world: World, account: string, launch: CreateServer["launch"]) {
  const { image, flavor, fallbackFlavors = [], availabilityZones = [] } = launch;
  const blank = Object.entries({ image, flavor })
    .filter(([, name]) => name.trim() === "")
    .map(([field]) => ({ field, description: "must not be blank" }));
  const named = [
    { what: "image", field: "image", name: image },
    { what: "flavor", field: "flavor", name: flavor },
    ...fallbackFlavors.map((name, index) => {
      return { what: "flavor", field: `fallback_flavors[${index}]`, name };
    }),
    ...availabilityZones.map((name, index) => {
      return { what: "zone", field: `availability_zones[${index}]`, name };
    }),
  ];
  const missing = named
    .filter(({ what, name }) =>
      world.board.strike("missing", account, (one) => one.what === what && one.name === name),
    )
    .map(({ what, field, name }) => ({ field, description: `there is no ${what} ${name}` }));
  return [...blank, ...missing];
}
