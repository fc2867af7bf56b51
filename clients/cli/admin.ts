import type { Command } from "commander";
import { accountName, coloName } from "../node/index.js";
import { type ExitCode, exitCode } from "./exit.js";
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
        "of another project stop the account's work in that colo, and nothing is taken for lost.",
    )
    .argument("<account>", "the account's id")
    .argument("<colo>", "the colo's id")
    .action((account: string, colo: string, _: unknown, self: Command) =>
      run(self, (session) => repinAccount(session, account, colo)),
    );
  example(repin, "admin repin acme iad");
}

async function repinAccount(session: Session, account: string, colo: string): Promise<ExitCode> {
  const request = { name: coloName(colo), account: accountName(account) };
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
