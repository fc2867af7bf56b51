import { toJson } from "@bufbuild/protobuf";
import type { Command } from "commander";
import { RebuildLedgerResponseSchema } from "../../src/gen/muster/v1/server_service_pb.js";
import { accountName, coloName } from "../node/index.js";
import { type ExitCode, exitCode } from "./exit.js";
import { jsonOptions } from "./json.js";
import { plain } from "./printer.js";
import { example, type Run } from "./run.js";
import type { Session } from "./session.js";

/** What only operators of the whole installation do. */
export function addAdminCommands(program: Command, run: Run): void {
  const admin = program.command("admin").description("For operators of the whole installation");
  const repin = admin
    .command("repin")
    .description(
      "Pin an account to the project that its credentials answer for now. Until then credentials\n" +
        "of another project stop the account's work in that colo, and nothing is taken for lost.\n" +
        "Refused while the account has servers there: first let them go, or use --force.",
    )
    .argument("<account>", "the account's id")
    .argument("<colo>", "the colo's id")
    .option("--force", "give up the servers of the project before, and make as many in the new one")
    .action((account: string, colo: string, { force }: { force?: boolean }, self: Command) =>
      run(self, (session) => repinAccount(session, { account, colo, force: force === true })),
    );
  example(repin, "admin repin acme iad");
  const rebuild = admin
    .command("rebuild-ledger")
    .description(
      "Make a lost ledger anew from the tags of the group's servers. Nothing is scaled in or\n" +
        "deleted until `groups confirm-ledger`; it may be repeated.",
    )
    .argument("<group>", "the group's id")
    .action((group: string, _: unknown, self: Command) =>
      run(self, (session) => rebuildLedger(session, group)),
    );
  example(rebuild, "admin rebuild-ledger web");
  const reindex = admin
    .command("reindex")
    .description(
      "Write the searchable history of all accounts anew, as far back as the event streams reach:\n" +
        "for after its indices were lost. Searches go on meanwhile; the daemon's log tells the end.",
    )
    .action((_: unknown, self: Command) => run(self, reindexHistory));
  example(reindex, "admin reindex");
  const backup = admin
    .command("backup")
    .description(
      "Copy the embedded store into a new file in the daemon's data folder, while work goes on.\n" +
        "Whoever restores it finds every group in quarantine. `secrets.key` is not in it.",
    )
    .action((_: unknown, self: Command) => run(self, backUpStore));
  example(backup, "admin backup");
}

async function backUpStore(session: Session): Promise<ExitCode> {
  const { file, placements } = await session.client.colos.backUpStore({}, session.call);
  session.print.answer({ file, placements }, () => {
    session.print.line(
      plain(`${file}: ${placements} placements, in quarantine for who restores it`),
    );
  });
  return exitCode.ok;
}

async function reindexHistory(session: Session): Promise<ExitCode> {
  await session.client.events.rebuildHistory({}, session.call);
  session.print.answer({}, () => session.print.line("history is being written anew"));
  return exitCode.ok;
}

async function rebuildLedger(session: Session, group: string): Promise<ExitCode> {
  const request = { name: session.group(group) };
  const answer = await session.client.servers.rebuildLedger(request, session.call);
  session.print.answer(toJson(RebuildLedgerResponseSchema, answer, jsonOptions), () => {
    const { adopted, left } = answer;
    session.print.line(`group ${group}: ${adopted.length} servers adopted, ${left.length} left`);
    if (left.length === 0) return;
    const rows = left.map((one) => [plain(one.cloudId), one.colo, plain(one.claims), one.why]);
    session.print.table(["CLOUD ID", "COLO", "CLAIMS", "WHY"], rows);
  });
  return exitCode.ok;
}

async function repinAccount(
  session: Session,
  asked: { readonly account: string; readonly colo: string; readonly force: boolean },
): Promise<ExitCode> {
  const { account, colo, force } = asked;
  const request = { name: coloName(colo), account: accountName(account), force };
  const { project, previousProject } = await session.client.colos.repinAccount(
    request,
    session.call,
  );
  session.print.answer({ ...request, project, previousProject }, () => {
    const before = previousProject === "" ? "" : `, before: ${previousProject}`;
    session.print.line(plain(`account ${account} in ${colo} is pinned to ${project}${before}`));
  });
  return exitCode.ok;
}
