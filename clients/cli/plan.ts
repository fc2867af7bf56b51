import { create, toJson } from "@bufbuild/protobuf";
import { timestampMs } from "@bufbuild/protobuf/wkt";
import type { Command } from "commander";
import {
  type PlacementPlan,
  type PlanGroupResponse,
  PlanGroupResponseSchema,
  type PlannedAction,
} from "../../src/gen/muster/v1/group_service_pb.js";
import { readTarget } from "./args.js";
import { type ExitCode, exitCode } from "./exit.js";
import { lengthWords } from "./explain-words.js";
import { jsonOptions } from "./json.js";
import { plain } from "./printer.js";
import { receiptLines } from "./receipts.js";
import { example, type Run } from "./run.js";
import { forFormat, type Session } from "./session.js";
import { instantWords } from "./words.js";

interface Options {
  readonly target?: number;
  readonly json?: true;
}

export function addPlanCommand(program: Command, run: Run): void {
  const command = program
    .command("plan")
    .description("Tell what would be done for a group now, and why; nothing is done")
    .argument("<group>", "the group's id")
    .option("--target <target>", "as if this target had been set", readTarget)
    .option("--json", "the same as -o json")
    .action((group: string, options: Options, self: Command) =>
      run(self, (session) => plan(forFormat(session, options), group, options)),
    );
  example(command, "plan web", "plan web --target 12");
}

async function plan(session: Session, group: string, { target }: Options): Promise<ExitCode> {
  const asked = target === undefined ? {} : { target };
  const name = session.group(group);
  const answer = await session.client.groups.planGroup({ name, ...asked }, session.call);
  session.print.answer(toJson(PlanGroupResponseSchema, answer, jsonOptions), () => {
    for (const line of planLines(group, answer)) session.print.line(plain(line));
  });
  return exitCode.ok;
}

/** The plan in words, a placement after the other. */
export function planLines(
  group: string,
  answer: PlanGroupResponse = create(PlanGroupResponseSchema),
): readonly string[] {
  const answered = answer.receipt ? receiptLines(group, answer.receipt) : [];
  const asked = answered.map((line, index) => (index === 0 ? `would be ${line}` : line));
  return [...asked, ...answer.placements.flatMap(placementLines)];
}

function placementLines(plan: PlacementPlan): readonly string[] {
  const { colo, target, inService, pending, leaving, actions, waits, stopped } = plan;
  const counts = [
    `${inService} in service`,
    ...(pending > 0 ? [`${pending} on their way`] : []),
    ...(leaving > 0 ? [`${leaving} on their way out`] : []),
  ];
  const next = plan.nextLookTime;
  return [
    `${colo}: ${counts.join(", ")}, target ${target}`,
    ...(actions.length === 0 ? ["  nothing would be done"] : actionLines(actions)),
    ...stopped.map(({ operation, cause }) => `  stopped: ${operation}: ${why(cause)}`),
    ...waits.map(({ cause, sinceTime, untilTime }) => {
      const since = sinceTime ? Math.max(0, Date.now() - timestampMs(sinceTime)) : 0;
      const until = untilTime === undefined ? "" : `, until ${instantWords(untilTime)}`;
      return `  waiting: ${why(cause)} (for ${lengthWords(since)}${until})`;
    }),
    next === undefined
      ? "  next look: when something happens"
      : `  next look: in ${lengthWords(Math.max(0, timestampMs(next) - Date.now()))}`,
  ];
}

const why = (cause: PlannedAction["causes"][number] | undefined): string =>
  cause === undefined ? "-" : `${cause.message.replace(/\.$/, "")} (${cause.rule} ${cause.code})`;

/** Alike actions for alike reasons are one line. */
function actionLines(actions: readonly PlannedAction[]): readonly string[] {
  const alike = new Map<string, PlannedAction[]>();
  for (const action of actions) {
    const key = `${action.kind}/${action.loadBalancer}/${action.causes.map(why).join("; ")}`;
    alike.set(key, [...(alike.get(key) ?? []), action]);
  }
  return [...alike.values()].map((bundle) => {
    const [first] = bundle;
    const count = bundle.reduce((sum, one) => sum + one.count, 0);
    const what = (words[first!.kind] ?? `${first!.kind} #`)
      .replace("#", count === 1 ? "1 server" : `${count} servers`)
      .replace("@", first!.loadBalancer);
    const reasons = first!.causes.map(why).join("; ");
    const named = bundle.flatMap(({ server, address }) => server || address || []);
    const which = named.length === 0 || named.length > namedMax ? "" : ` [${named.join(", ")}]`;
    return `  would ${what}${which}${reasons === "" ? "" : `: ${reasons}`}`;
  });
}

/** More ids are more than anybody reads. */
const namedMax = 3;

const words: Readonly<Record<string, string>> = {
  create: "create #",
  withdraw: "take back the intention of #",
  drain: "drain #",
  return: "put # that was leaving back into service",
  leave: "let # go",
  delete: "ask the cloud to delete #",
  note: "note what the cloud says of #",
  putMember: "make # a member of load balancer @",
  drainMember: "let # take no new connections from load balancer @",
  removeMember: "take # out of load balancer @",
  lookUp: "look up #",
  tag: "put the tags of # right",
};
