import { create, toJson } from "@bufbuild/protobuf";
import type { Duration } from "@bufbuild/protobuf/wkt";
import { Argument, type Command, Option } from "commander";
import {
  ListServersResponseSchema,
  type Server,
  ServerHealth,
  ServerSchema,
  ServerState,
} from "../../src/gen/muster/v1/server_service_pb.js";
import { idOf, serverName } from "../node/index.js";
import { readDuration } from "./args.js";
import { type ExitCode, exitCode } from "./exit.js";
import { allPages, jsonOptions, pageSizeMax } from "./json.js";
import { type Colors, plain } from "./printer.js";
import { example, type Run } from "./run.js";
import type { Session } from "./session.js";
import { ageWords, causeWords, instantWords, numberOf, serverStateWord, wordsOf } from "./words.js";

export function addServerCommands(program: Command, run: Run): void {
  const servers = program.command("servers").description("The ledger: every server and its life");
  addList(servers, run);
  const get = onServer(servers, "get", "Show one server", run, showServer);
  example(get, "servers get web 01kawq3v9m");
  const remove = onServer(servers, "delete", "Delete a chosen server", run, deleteServer).option(
    "--replace",
    "keep the target, so that another takes its place; otherwise it is lowered by one",
  );
  example(remove, "servers delete web 01kawq3v9m --replace");
  const release = onServer(
    servers,
    "release",
    "Let go of a server: it runs on, without Muster",
    run,
    releaseServer,
  ).option("--replace", "keep the target; otherwise it is lowered by one");
  example(release, "servers release web 01kawq3v9m");
  const keep = "Protect a server from being chosen when scaling in";
  const protect = onServer(servers, "protect", keep, run, (session, name) =>
    protectServer(session, name, true),
  );
  example(protect, "servers protect web 01kawq3v9m");
  const unprotect = onServer(servers, "unprotect", "End that", run, (session, name) =>
    protectServer(session, name, false),
  );
  example(unprotect, "servers unprotect web 01kawq3v9m");
  const standBy = onServer(
    servers,
    "standby",
    "Take a server out of service and keep it, to look at it",
    run,
    (session, name, options) => standByServer(session, name, true, options.replace === true),
  ).option("--replace", "keep the target, so that another takes its place");
  example(standBy, "servers standby web 01kawq3v9m");
  const comeBack = onServer(
    servers,
    "return",
    "Have it come back: in service once it is healthy",
    run,
    (session, name) => standByServer(session, name, false, false),
  );
  example(comeBack, "servers return web 01kawq3v9m");
  addHealth(servers, run);
}

interface HealthOptions {
  readonly reason: string;
  readonly for?: Duration;
}

function addHealth(servers: Command, run: Run): void {
  const health = servers
    .command("health")
    .description("Tell what a monitor found; unhealthy servers are replaced while they are few")
    .argument("<group>", "the group's id")
    .argument("<server>", "the server's id")
    .addArgument(new Argument("<health>", "how it does").choices(["healthy", "unhealthy"]))
    .option("--reason <text>", "what was found", "")
    .option("--for <duration>", "how long the report holds; default 10m", readDuration)
    .action((group: string, server: string, word: string, options: HealthOptions, self: Command) =>
      run(self, (session) => {
        const name = serverName({ account: session.account, group, server });
        return setHealth(session, name, word, options);
      }),
    );
  example(health, 'servers health web 01kawq3v9m unhealthy --reason "answers 502"');
}

async function setHealth(session: Session, name: string, word: string, options: HealthOptions) {
  const health = word === "healthy" ? ServerHealth.HEALTHY : ServerHealth.UNHEALTHY;
  const timeToLive = options.for === undefined ? {} : { timeToLive: options.for };
  const request = { name, health, reason: options.reason, ...timeToLive };
  const answer = await session.client.servers.setServerHealth(request, session.call);
  const server = answer.server ?? create(ServerSchema);
  session.print.answer(toJson(ServerSchema, server, jsonOptions), () => {
    session.print.line(`server ${idOf(name)} is reported ${word}`);
  });
  return exitCode.ok;
}

interface ServerOptions {
  readonly replace?: true;
}

function onServer(
  servers: Command,
  verb: string,
  description: string,
  run: Run,
  act: (session: Session, name: string, options: ServerOptions) => Promise<ExitCode>,
): Command {
  return servers
    .command(verb)
    .description(description)
    .argument("<group>", "the group's id")
    .argument("<server>", "the server's id")
    .action((group: string, server: string, options: ServerOptions, self: Command) =>
      run(self, (session) =>
        act(session, serverName({ account: session.account, group, server }), options),
      ),
    );
}

function addList(servers: Command, run: Run): void {
  const list = servers
    .command("list")
    .description("List a group's servers, oldest first; those that are gone stand in the events")
    .argument("<group>", "the group's id")
    .addOption(
      new Option("--state <state...>", "only servers in these states").choices(
        wordsOf(ServerState),
      ),
    )
    .action((group: string, options: { readonly state?: readonly string[] }, self: Command) =>
      run(self, (session) => listServers(session, group, options.state ?? [])),
    );
  example(list, "servers list web", "servers list web --state building launching");
}

async function listServers(
  session: Session,
  group: string,
  words: readonly string[],
): Promise<ExitCode> {
  const states = words.map((word) => numberOf(ServerState, word));
  const servers = await allPages(async (pageToken) => {
    const request = { parent: session.group(group), pageSize: pageSizeMax, pageToken, states };
    const page = await session.client.servers.listServers(request, session.call);
    return { items: page.servers, nextPageToken: page.nextPageToken };
  });
  const answer = create(ListServersResponseSchema, { servers: [...servers] });
  session.print.answer(toJson(ListServersResponseSchema, answer, jsonOptions), () => {
    const head = ["SERVER", "COLO", "STATE", "SINCE", "ADDRESS", "CLOUD ID", "LAUNCH"];
    const rows = servers.map((one) => [
      idOf(one.name),
      one.colo,
      coloredState(session.print.colors, one.state),
      ageWords(one.stateTime),
      plain(one.address) || "-",
      plain(one.cloudId) || "-",
      String(one.launchRevision),
      choiceWords(one),
      notesOn(one),
    ]);
    session.print.table([...head, "FLAVOR", "NOTES"], rows);
  });
  return exitCode.ok;
}

async function showServer(session: Session, name: string): Promise<ExitCode> {
  const answer = await session.client.servers.getServer({ name }, session.call);
  const server = answer.server ?? create(ServerSchema);
  session.print.answer(toJson(ServerSchema, server, jsonOptions), () => {
    const members = server.memberships.map((one) => `${one.loadBalancer} ${one.state}`).join(", ");
    session.print.facts([
      ["server", idOf(server.name)],
      ["colo", server.colo],
      ["state", coloredState(session.print.colors, server.state)],
      ["since", instantWords(server.stateTime)],
      ["asked for", instantWords(server.createTime)],
      ["asked for by", server.createdBy || "-"],
      ["in service", instantWords(server.inServiceTime)],
      ["cloud id", plain(server.cloudId) || "-"],
      ["cloud status", plain(server.cloudStatus) || "-"],
      ["address", plain(server.address) || "-"],
      ["launch revision", String(server.launchRevision)],
      ["flavor", choiceWords(server)],
      ["load balancers", plain(members) || "-"],
      ["notes", notesOn(server) || "-"],
    ]);
  });
  return exitCode.ok;
}

async function releaseServer(session: Session, name: string, options: ServerOptions) {
  const request = { name, replace: options.replace === true };
  const { server = create(ServerSchema) } = await session.client.servers.releaseServer(
    request,
    session.call,
  );
  session.print.answer(toJson(ServerSchema, server, jsonOptions), () => {
    session.print.line(`server ${idOf(name)} is let go of`);
  });
  return exitCode.ok;
}

async function deleteServer(session: Session, name: string, options: ServerOptions) {
  const replace = options.replace === true;
  const answer = await session.client.servers.deleteServer({ name, replace }, session.call);
  const server = answer.server ?? create(ServerSchema);
  session.print.answer(toJson(ServerSchema, server, jsonOptions), () => {
    const then = replace ? "; another takes its place" : "";
    session.print.line(`server ${idOf(name)} is ${serverStateWord(server.state)}${then}`);
  });
  return exitCode.ok;
}

async function protectServer(session: Session, name: string, on: boolean): Promise<ExitCode> {
  const request = { name, protected: on };
  const answer = await session.client.servers.protectServer(request, session.call);
  const server = answer.server ?? create(ServerSchema);
  session.print.answer(toJson(ServerSchema, server, jsonOptions), () => {
    session.print.line(`server ${idOf(name)} is ${server.protected ? "" : "not "}protected`);
  });
  return exitCode.ok;
}

async function standByServer(
  session: Session,
  name: string,
  standingBy: boolean,
  replace: boolean,
): Promise<ExitCode> {
  const request = { name, standingBy, replace };
  const answer = await session.client.servers.standByServer(request, session.call);
  const server = answer.server ?? create(ServerSchema);
  session.print.answer(toJson(ServerSchema, server, jsonOptions), () => {
    session.print.line(`server ${idOf(name)} is ${serverStateWord(server.state)}`);
  });
  return exitCode.ok;
}

/** What it was asked for as: `small`, or `small in zone-1`. */
function choiceWords({ flavor, availabilityZone }: Server): string {
  const zone = availabilityZone === "" ? "" : ` in ${availabilityZone}`;
  return plain(`${flavor}${zone}`) || "-";
}

function notesOn(server: Server): string {
  const notes = [
    ...(server.protected ? ["protected"] : []),
    ...(server.reportedUnhealthy === "" ? [] : [`unhealthy: ${plain(server.reportedUnhealthy)}`]),
    ...(server.leaving === undefined ? [] : [`leaves: ${causeWords(server.leaving)}`]),
    ...(server.fault === "" ? [] : [`fault: ${plain(server.fault)}`]),
  ];
  return notes.join("; ");
}

function coloredState(colors: Colors, state: ServerState): string {
  const word = serverStateWord(state);
  if (state === ServerState.IN_SERVICE) return colors.green(word);
  if (state === ServerState.UNCONFIRMED || state === ServerState.ABANDONED) return colors.red(word);
  const isLeaving = state === ServerState.DRAINING || state === ServerState.DELETING;
  return isLeaving ? colors.yellow(word) : colors.cyan(word);
}
