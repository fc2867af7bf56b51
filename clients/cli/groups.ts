import { create, toJson } from "@bufbuild/protobuf";
import type { Command } from "commander";
import { GroupSchema } from "../../src/gen/muster/v1/group_pb.js";
import { ListGroupsResponseSchema } from "../../src/gen/muster/v1/group_service_pb.js";
import { accountName } from "../node/index.js";
import { readLabel } from "./args.js";
import { type ExitCode, exitCode, UsageError } from "./exit.js";
import { type ApplyFileOptions, applyFile } from "./group-apply.js";
import { groupTable, showGroup } from "./group-tables.js";
import { allPages, jsonOptions, pageSizeMax } from "./json.js";
import { processesOf, processWords, sayProcesses } from "./processes.js";
import { example, type Run } from "./run.js";
import { waitAndTell } from "./scale.js";
import type { Session } from "./session.js";
import { waitGone } from "./wait.js";

type Labels = Readonly<Record<string, string>>;

export function addGroupCommands(program: Command, run: Run): void {
  const groups = program.command("groups").description("Groups of interchangeable servers");
  addApply(groups, run);
  addReading(groups, run);
  addDelete(groups, run);
  addControl(groups, run);
}

function addApply(groups: Command, run: Run): void {
  const apply = groups
    .command("apply")
    .description(
      "Create or update a group from JSON, as often as you like. The file is the whole truth: what\n" +
        "it leaves out gets its default. Its target counts on creation only; see `scale`. Policies\n" +
        "under `policies` are applied too; those that it does not name stay.",
    )
    .requiredOption("-f, --file <file>", "the group as JSON; - is standard input")
    .option("--wait", "wait until the group has converged at its target")
    .option("--dry-run", "only let the server check the group; policies are only read")
    .option("--allow-unverified", "accept a launch configuration that cannot be checked just now")
    .action((options: ApplyFileOptions, self: Command) =>
      run(self, (session) => applyFile(session, options)),
    );
  example(
    apply,
    "groups apply -f web.json --wait",
    "groups get web -o json | jq '.surge = 2' | musterctl groups apply -f -",
  );
}

function addReading(groups: Command, run: Run): void {
  const get = groups
    .command("get")
    .description("Show one group with its placements and why they stand as they stand")
    .argument("<group>", "the group's id")
    .action((group: string, _: unknown, self: Command) =>
      run(self, (session) => getGroup(session, group)),
    );
  example(get, "groups get web");
  const list = groups
    .command("list")
    .description("List the account's groups")
    .option("-l, --label <key=value>", "only groups with this label; repeatable", readLabel)
    .action((options: { readonly label?: Labels }, self: Command) =>
      run(self, (session) => listGroups(session, options.label ?? {})),
    );
  example(list, "groups list -l tier=web -l env=prod");
}

function addDelete(groups: Command, run: Run): void {
  const remove = groups
    .command("delete")
    .description("Delete a group; one that has servers only with --force")
    .argument("<group>", "the group's id")
    .option("--force", "delete its servers first: the group drains, and is gone after them")
    .option("--wait", "wait until the cloud has confirmed every server gone")
    .action((group: string, options: DeleteOptions, self: Command) =>
      run(self, (session) => deleteGroup(session, group, options)),
    );
  example(remove, "groups delete web --force --wait");
}

function addControl(groups: Command, run: Run): void {
  const pause = groups
    .command("pause")
    .description("Stop every change to the group's servers and load balancers, or parts of it")
    .argument("<group>", "the group's id")
    .requiredOption("--reason <text>", "for whoever finds the group paused")
    .option("--only <processes>", `only some of: ${processWords.join(", ")}; with commas`)
    .action((group: string, options: PauseOptions & { readonly reason: string }, self: Command) =>
      run(self, (session) => pauseGroup(session, group, options)),
    );
  example(pause, 'groups pause web --reason "database move until 10:00"');
  example(pause, 'groups pause web --only scale-in,alerts --reason "load test"');
  const resume = groups
    .command("resume")
    .description("End whatever is paused, or some of it; the group converges at once")
    .argument("<group>", "the group's id")
    .option("--only <processes>", "only the pauses of these alone; with commas")
    .action((group: string, options: PauseOptions, self: Command) =>
      run(self, (session) => resumeGroup(session, group, options)),
    );
  example(resume, "groups resume web");
  const acknowledge = groups
    .command("acknowledge")
    .description("Let replacement go on for 15 minutes although it is held for a person")
    .argument("<group>", "the group's id")
    .requiredOption("--reason <text>", "what you found out; for whoever comes after you")
    .action((group: string, options: { readonly reason: string }, self: Command) =>
      run(self, (session) => acknowledgeHold(session, group, options.reason)),
    );
  example(acknowledge, 'groups acknowledge web --reason "the rack is really gone"');
  const confirm = groups
    .command("confirm-ledger")
    .description("End a quarantine: ledger and target are right, scale in and delete again")
    .argument("<group>", "the group's id")
    .requiredOption("--reason <text>", "what was looked at, for the history")
    .action((group: string, options: { readonly reason: string }, self: Command) =>
      run(self, (session) => confirmLedger(session, group, options.reason)),
    );
  example(confirm, 'groups confirm-ledger web --reason "compared with the cloud\'s list"');
  const converge = groups
    .command("converge")
    .description("Look at the group now instead of at its next turn")
    .argument("<group>", "the group's id")
    .option("--wait", "wait until the group has converged at its target")
    .action((group: string, options: { readonly wait?: true }, self: Command) =>
      run(self, (session) => convergeGroup(session, group, options.wait === true)),
    );
  example(converge, "groups converge web --wait --timeout 5m");
}

async function getGroup(session: Session, id: string): Promise<ExitCode> {
  const answer = await session.client.groups.getGroup({ name: session.group(id) }, session.call);
  const group = answer.group ?? create(GroupSchema);
  session.print.answer(toJson(GroupSchema, group, jsonOptions), () => {
    showGroup(session.print, group);
  });
  return exitCode.ok;
}

async function listGroups(session: Session, labels: Labels): Promise<ExitCode> {
  const parent = accountName(session.account);
  const groups = await allPages(async (pageToken) => {
    const request = { parent, pageSize: pageSizeMax, pageToken, labels };
    const page = await session.client.groups.listGroups(request, session.call);
    return { items: page.groups, nextPageToken: page.nextPageToken };
  });
  const answer = create(ListGroupsResponseSchema, { groups: [...groups] });
  session.print.answer(toJson(ListGroupsResponseSchema, answer, jsonOptions), () => {
    groupTable(session.print, groups);
  });
  return exitCode.ok;
}

interface DeleteOptions {
  readonly force?: true;
  readonly wait?: true;
}

async function deleteGroup(session: Session, id: string, options: DeleteOptions) {
  const name = session.group(id);
  const request = { name, force: options.force === true };
  const { draining } = await session.client.groups.deleteGroup(request, session.call);
  session.print.answer({ name, draining }, () => {
    session.print.line(draining ? `group ${id} is draining` : `group ${id} deleted`);
  });
  if (options.wait === true && draining) {
    await waitGone(session, name);
    session.print.note(`gone: ${id}`);
  }
  return exitCode.ok;
}

interface PauseOptions {
  readonly only?: string;
}

async function pauseGroup(
  session: Session,
  id: string,
  { reason, only }: PauseOptions & { readonly reason: string },
): Promise<ExitCode> {
  if (reason.trim() === "") throw new UsageError("--reason must not be blank");
  const processes = processesOf(only);
  const request = { name: session.group(id), reason, processes };
  const { group } = await session.client.groups.pauseGroup(request, session.call);
  session.print.answer(toJson(GroupSchema, group ?? create(GroupSchema), jsonOptions), () => {
    session.print.line(
      `group ${id} ${only === undefined ? "" : `${sayProcesses(processes)} `}paused`,
    );
  });
  return exitCode.ok;
}

async function resumeGroup(
  session: Session,
  id: string,
  { only }: PauseOptions,
): Promise<ExitCode> {
  const processes = processesOf(only);
  const request = { name: session.group(id), processes };
  const { group } = await session.client.groups.resumeGroup(request, session.call);
  session.print.answer(toJson(GroupSchema, group ?? create(GroupSchema), jsonOptions), () => {
    session.print.line(
      `group ${id}${only === undefined ? "" : ` ${sayProcesses(processes)}`} resumed`,
    );
  });
  return exitCode.ok;
}

async function acknowledgeHold(session: Session, id: string, reason: string): Promise<ExitCode> {
  if (reason.trim() === "") throw new UsageError("--reason must not be blank");
  const request = { name: session.group(id), reason };
  const { group } = await session.client.groups.acknowledgeHold(request, session.call);
  session.print.answer(toJson(GroupSchema, group ?? create(GroupSchema), jsonOptions), () => {
    session.print.line(`group ${id}: replacement goes on`);
  });
  return exitCode.ok;
}

async function confirmLedger(session: Session, id: string, reason: string): Promise<ExitCode> {
  if (reason.trim() === "") throw new UsageError("--reason must not be blank");
  const request = { name: session.group(id), reason };
  const { group } = await session.client.groups.confirmLedger(request, session.call);
  session.print.answer(toJson(GroupSchema, group ?? create(GroupSchema), jsonOptions), () => {
    session.print.line(`the ledger of group ${id} is confirmed`);
  });
  return exitCode.ok;
}

async function convergeGroup(session: Session, id: string, wait: boolean): Promise<ExitCode> {
  const name = session.group(id);
  await session.client.groups.convergeGroup({ name }, session.call);
  session.print.answer({ name }, () => session.print.line(`group ${id} is being looked at`));
  if (wait) await waitAndTell(session, name);
  return exitCode.ok;
}
