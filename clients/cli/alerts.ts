import { type Command, Option } from "commander";
import { AlertState } from "../../src/gen/muster/v1/policy_pb.js";
import { policyName } from "../node/index.js";
import { readNumber } from "./args.js";
import type { ExitCode } from "./exit.js";
import { addRequestId, answerReceipt, askOnce } from "./receipts.js";
import { example, type Run } from "./run.js";
import type { Session } from "./session.js";
import { numberOf, wordsOf } from "./words.js";

interface Options {
  readonly key: string;
  readonly state: string;
  readonly value?: number;
  readonly requestId?: string;
}

export function addAlertCommands(program: Command, run: Run): void {
  const alerts = program.command("alerts").description("Tell what a monitor sees");
  const command = alerts
    .command("report")
    .description("Report a check's state to a policy, which acts on entering its state")
    .argument("<group>", "the group's id")
    .argument("<policy>", "the policy's id")
    .requiredOption("--key <key>", "what is watched: a server, a check")
    .addOption(
      new Option("--state <state>", "what the monitor says of it")
        .choices(wordsOf(AlertState))
        .makeOptionMandatory(),
    )
    .option(
      "--value <number>",
      "the measured value: what steps and target tracking go by",
      readNumber,
    )
    .action((group: string, policy: string, options: Options, self: Command) =>
      run(self, (session) => report(session, { group, policy }, options)),
    );
  example(addRequestId(command), "alerts report web up --key load --state critical --value 0.93");
}

async function report(
  session: Session,
  path: { readonly group: string; readonly policy: string },
  options: Options,
): Promise<ExitCode> {
  const { key, value } = options;
  const receipt = await askOnce(session, options.requestId, (requestId) =>
    session.client.scaling.reportAlert(
      {
        policy: policyName({ account: session.account, ...path }),
        key,
        state: numberOf(AlertState, options.state),
        requestId,
        ...(value === undefined ? {} : { value }),
      },
      session.call,
    ),
  );
  return answerReceipt(session, path.group, receipt);
}
