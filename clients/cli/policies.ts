import { create, toJson } from "@bufbuild/protobuf";
import { durationMs } from "@bufbuild/protobuf/wkt";
import type { Command } from "commander";
import {
  type BreachStep,
  type BreachSteps,
  type Policy,
  PolicySchema,
} from "../../src/gen/muster/v1/policy_pb.js";
import { ListPoliciesResponseSchema } from "../../src/gen/muster/v1/policy_service_pb.js";
import { idOf, policyName } from "../node/index.js";
import { type Applied, applyPolicy } from "./apply.js";
import { type ExitCode, exitCode } from "./exit.js";
import { allPages, jsonOptions, pageSizeMax } from "./json.js";
import { plain } from "./printer.js";
import { addScaleOptions, answerReceipt, askOnce, forceOf, type ScaleOptions } from "./receipts.js";
import { example, type Run } from "./run.js";
import { waitAndTell } from "./scale.js";
import type { Session } from "./session.js";
import { addSimulateCommand } from "./simulate.js";
import { readPolicySpecs } from "./spec-file.js";
import { instantWords, signedWords, spanWords } from "./words.js";

export function addPolicyCommands(program: Command, run: Run): void {
  const policies = program
    .command("policies")
    .alias("policy")
    .description("Stored rules for changing a group's target");
  addReading(policies, run);
  addWriting(policies, run);
  addSimulateCommand(policies, run);
}

function addReading(policies: Command, run: Run): void {
  const list = policies
    .command("list")
    .description("List a group's policies")
    .argument("<group>", "the group's id")
    .action((group: string, _: unknown, self: Command) =>
      run(self, (session) => listPolicies(session, group)),
    );
  example(list, "policies list web");
  const get = policies
    .command("get")
    .description("Show one policy")
    .argument("<group>", "the group's id")
    .argument("<policy>", "the policy's id")
    .action((group: string, policy: string, _: unknown, self: Command) =>
      run(self, (session) => getPolicy(session, group, policy)),
    );
  example(get, "policies get web up -o json");
}

function addWriting(policies: Command, run: Run): void {
  const apply = policies
    .command("apply")
    .description("Create or update policies from JSON; those not in the file stay")
    .argument("<group>", "the group's id")
    .requiredOption("-f, --file <file>", "one policy or a list of them; - is standard input")
    .action((group: string, options: { readonly file: string }, self: Command) =>
      run(self, (session) => applyPolicies(session, group, options.file)),
    );
  example(
    apply,
    "policies apply web -f up.json",
    `policies apply web -f - <<< '{"id":"up","displayName":"More","change":2,"cooldown":"5m"}'`,
  );
  const remove = policies
    .command("delete")
    .description("Delete a policy")
    .argument("<group>", "the group's id")
    .argument("<policy>", "the policy's id")
    .action((group: string, policy: string, _: unknown, self: Command) =>
      run(self, (session) => deletePolicy(session, group, policy)),
    );
  example(remove, "policies delete web up");
  const execute = policies
    .command("execute")
    .description("Execute a policy now, and print the receipt")
    .argument("<group>", "the group's id")
    .argument("<policy>", "the policy's id")
    .option("--wait", "wait until the group has converged at its target")
    .action((group: string, policy: string, options: ExecuteOptions, self: Command) =>
      run(self, (session) => executePolicy(session, { group, policy }, options)),
    );
  example(addScaleOptions(execute), "policies execute web up --wait");
}

async function listPolicies(session: Session, group: string): Promise<ExitCode> {
  const policies = await allPages(async (pageToken) => {
    const request = { parent: session.group(group), pageSize: pageSizeMax, pageToken };
    const page = await session.client.policies.listPolicies(request, session.call);
    return { items: page.policies, nextPageToken: page.nextPageToken };
  });
  const answer = create(ListPoliciesResponseSchema, { policies: [...policies] });
  session.print.answer(toJson(ListPoliciesResponseSchema, answer, jsonOptions), () => {
    const rows = policies.map((one) => [
      idOf(one.name),
      actionWords(one),
      one.cooldown === undefined ? "0s" : spanWords(durationMs(one.cooldown)),
      plain(one.displayName),
    ]);
    session.print.table(["POLICY", "ACTION", "COOLDOWN", "DISPLAY NAME"], rows);
  });
  return exitCode.ok;
}

async function getPolicy(session: Session, group: string, policy: string): Promise<ExitCode> {
  const name = policyName({ account: session.account, group, policy });
  const answer = await session.client.policies.getPolicy({ name }, session.call);
  const found = answer.policy ?? create(PolicySchema);
  session.print.answer(toJson(PolicySchema, found, jsonOptions), () => {
    session.print.facts([
      ["policy", idOf(found.name)],
      ["display name", plain(found.displayName)],
      ["action", actionWords(found)],
      ["cooldown", found.cooldown === undefined ? "0s" : spanWords(durationMs(found.cooldown))],
      ["created", instantWords(found.createTime)],
      ["updated", instantWords(found.updateTime)],
      ["etag", found.etag],
    ]);
  });
  return exitCode.ok;
}

async function applyPolicies(session: Session, group: string, file: string): Promise<ExitCode> {
  const specs = await readPolicySpecs(session, file, group);
  const applied: Applied<Policy>[] = [];
  for (const spec of specs) applied.push(await applyPolicy(session, session.group(group), spec));
  const policies = applied.map((one) => one.now);
  const answer = create(ListPoliciesResponseSchema, { policies });
  session.print.answer(toJson(ListPoliciesResponseSchema, answer, jsonOptions), () => {
    for (const { now, done } of applied) {
      session.print.line(`policy ${group}/${idOf(now.name)} ${done}`);
    }
  });
  return exitCode.ok;
}

async function deletePolicy(session: Session, group: string, policy: string): Promise<ExitCode> {
  const name = policyName({ account: session.account, group, policy });
  await session.client.policies.deletePolicy({ name }, session.call);
  session.print.answer({ name }, () => session.print.line(`policy ${group}/${policy} deleted`));
  return exitCode.ok;
}

interface ExecuteOptions extends ScaleOptions {
  readonly wait?: true;
}

async function executePolicy(
  session: Session,
  path: { readonly group: string; readonly policy: string },
  options: ExecuteOptions,
): Promise<ExitCode> {
  const name = policyName({ account: session.account, ...path });
  const force = forceOf(options);
  const receipt = await askOnce(session, options.requestId, (requestId) =>
    session.client.policies.executePolicy({ name, requestId, ...force }, session.call),
  );
  const code = answerReceipt(session, path.group, receipt);
  if (options.wait === true && code === exitCode.ok) {
    await waitAndTell(session, session.group(path.group));
  }
  return code;
}

/** `+2`, `-10 %`, `to 5`, `cpu at 0.6`, `from 0.8: +1, from 0.9: +25 %`. */
function actionWords({ action }: Policy): string {
  switch (action.case) {
    case "steps":
      return stepsWords(action.value);
    case "targetTracking":
      return `${plain(action.value.metric)} at ${action.value.target}`;
    default:
      return fixedWords(action);
  }
}

function stepsWords({ threshold, steps }: BreachSteps): string {
  // 0.7 + 0.2 is 0.8999… in binary; what people wrote has fewer digits.
  const bound = (relative = 0) => Number((threshold + relative).toPrecision(12));
  return steps
    .map(({ lower, upper, action }) => {
      const isBelow = lower === undefined || lower < 0;
      const from = isBelow ? `down from ${bound(upper)}` : `from ${bound(lower)}`;
      return `${from}: ${fixedWords(action)}`;
    })
    .join(", ");
}

function fixedWords(action: BreachStep["action"]): string {
  switch (action.case) {
    case "change":
      return signedWords(action.value);
    case "changePercent":
      return `${signedWords(action.value)} %`;
    case "exact":
      return `to ${action.value}`;
    case undefined:
      return "-";
    default:
      throw new Error(`unknown action ${action satisfies never}`);
  }
}
