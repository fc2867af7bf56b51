import { toJson } from "@bufbuild/protobuf";
import {
  type Duration,
  durationMs,
  type Timestamp,
  timestampFromMs,
  timestampMs,
} from "@bufbuild/protobuf/wkt";
import type { Command } from "commander";
import {
  type SimulatePolicyResponse,
  SimulatePolicyResponseSchema,
} from "../../src/gen/muster/v1/policy_service_pb.js";
import type { OutcomeCount, SimulatedDecision } from "../../src/gen/muster/v1/simulation_pb.js";
import {
  type LimitsArgument,
  readDuration,
  readInstantMs,
  readLabel,
  readLimits,
  readTarget,
} from "./args.js";
import { chartLines } from "./chart.js";
import { type ExitCode, exitCode, UsageError } from "./exit.js";
import { jsonOptions } from "./json.js";
import { allowsColors, plain } from "./printer.js";
import { example, type Run } from "./run.js";
import { forFormat, type Session } from "./session.js";
import { readPolicySpecs, readSuppliedEvents } from "./spec-file.js";
import { causeWords, instantWords, outcomeWord, spanWords } from "./words.js";

interface Options {
  readonly policy?: string;
  readonly events?: string;
  readonly from?: number;
  readonly to?: number;
  readonly price?: Readonly<Record<string, string>>;
  readonly limits?: readonly LimitsArgument[];
  readonly boot?: Duration;
  readonly startTarget?: number;
  /** commander's way to say `--no-schedules`. */
  readonly schedules: boolean;
  readonly json?: true;
}

export function addSimulateCommand(policies: Command, run: Run): void {
  const command = policies
    .command("simulate")
    .description(
      "Show what policies would have made of a recorded day, or of events from a file: capacity\n" +
        "over time, every change with its reason, and what it costs. Nothing is done",
    )
    .argument("<group>", "the group's id")
    .option(
      "-f, --policy <file>",
      "drafts, as `policies apply` takes them; default: the group's own",
    )
    .option("--events <file>", "events as JSON instead of the recorded ones; - is standard input")
    .option(
      "--from <when>",
      "an instant, or how long ago; default 1d, or the first event",
      readInstantMs,
    )
    .option(
      "--to <when>",
      "an instant, or how long ago; default now, or an hour later",
      readInstantMs,
    )
    .option("--limits <colo=min..max>", "other limits than the group's; repeatable", readLimits)
    .option("--price <flavor=price>", "of one server for an hour; repeatable", readLabel)
    .option("--boot <duration>", "how long servers take; default as measured", readDuration)
    .option("--start-target <count>", "the target at the beginning", readTarget)
    .option("--no-schedules", "leave out what the group's schedules do")
    .option("--json", "the same as -o json")
    .action((group: string, options: Options, self: Command) =>
      run(self, (session) => simulate(forFormat(session, options), group, options)),
    );
  example(
    command,
    "policies simulate web --from 1d",
    "policies simulate web -f draft.json --events day.json --price small=0.12",
  );
}

async function simulate(session: Session, group: string, options: Options): Promise<ExitCode> {
  const { limits = [], price = {}, startTarget, boot } = options;
  if (options.events === "-" && options.policy === "-")
    throw new UsageError("standard input can be read once: --policy or --events");
  const drafts =
    options.policy === undefined ? [] : await readPolicySpecs(session, options.policy, group);
  const events = await eventsOf(session, options);
  const request = {
    parent: session.group(group),
    policies: drafts.map(({ id, policy }) => ({ policyId: id, policy })),
    limits: [...limits],
    ...events,
    assumptions: {
      prices: Object.entries(price).map(([flavor, perHour]) => ({ flavor, perHour })),
      ...(boot === undefined ? {} : { bootTime: boot }),
      ...(startTarget === undefined ? {} : { startTarget }),
    },
    withoutSchedules: !options.schedules,
  };
  const answer = await session.client.policies.simulatePolicy(request, session.call);
  session.print.answer(toJson(SimulatePolicyResponseSchema, answer, jsonOptions), () => {
    for (const line of simulationLines(session, answer)) session.print.line(line);
  });
  return exitCode.ok;
}

const dayMs = 86_400_000;

async function eventsOf(session: Session, { events: file, from, to }: Options) {
  const isRecorded = file === undefined;
  const fromMs = from ?? (isRecorded ? Date.now() - dayMs : undefined);
  const untilMs = to ?? (isRecorded ? Date.now() : undefined);
  return {
    events: isRecorded
      ? ({ case: "recorded", value: {} } as const)
      : ({ case: "supplied", value: await readSuppliedEvents(session, file) } as const),
    ...(fromMs === undefined ? {} : { startTime: timestampFromMs(fromMs) }),
    ...(untilMs === undefined ? {} : { endTime: timestampFromMs(untilMs) }),
  };
}

/** The picture, the changes, why there were no more, and what it comes to. */
function simulationLines(
  { io, print: { colors } }: Session,
  answer: SimulatePolicyResponse,
): readonly string[] {
  const { stdout, env } = io;
  const { capacity, recorded, startTime, endTime } = answer;
  const ms = (time: Timestamp | undefined) => (time === undefined ? 0 : timestampMs(time));
  const points = (of: "desired" | "inService", list = capacity) =>
    list.map((one) => ({ atMs: ms(one.time), value: one[of] }));
  const series = [
    { name: "in service", points: points("inService") },
    { name: "target", points: points("desired") },
    ...(recorded.length === 0
      ? []
      : [{ name: "target as it was", points: points("desired", recorded) }]),
  ];
  const range = { fromMs: ms(startTime), untilMs: ms(endTime) };
  const columns = stdout.columns ?? columnsDefault;
  const moved = answer.decisions.filter(({ receipt }) => receipt?.oldTarget !== receipt?.newTarget);
  return [
    ...chartLines(series, { ...range, columns, isColored: allowsColors(stdout, env) }),
    "",
    ...moved.map(decisionLine),
    ...answer.outcomes.map(outcomeLine),
    "",
    ...totalLines(answer).map((line) => colors.dim(line)),
  ];
}

const columnsDefault = 100;

function outcomeLine({ outcome, count, rule, code, policy }: OutcomeCount): string {
  const of = policy === "" ? "" : ` (${plain(policy)})`;
  return `${count} × ${outcomeWord(outcome)}${of}: ${rule} ${code}`;
}

function decisionLine({ source, policy, schedule, receipt }: SimulatedDecision): string {
  const who = [source, schedule, policy].filter((one) => one !== "").join(" ");
  const why = receipt?.causes.map(causeWords).join("; ") ?? "";
  const moved = `${receipt?.oldTarget} → ${receipt?.newTarget}`;
  return `${instantWords(receipt?.time)}  ${moved}  ${plain(who)}: ${why}`;
}

function totalLines(answer: SimulatePolicyResponse): readonly string[] {
  const { bootTime, bootTimeLaunches, skippedCount, eventsCount, decisionsCount } = answer;
  const boot = spanWords(bootTime === undefined ? 0 : durationMs(bootTime));
  const measured = bootTimeLaunches > 0 ? `, the median of ${bootTimeLaunches} launches` : "";
  return [
    `${eventsCount} events, ${decisionsCount} decisions; servers boot in ${boot}${measured}`,
    ...(skippedCount > 0 ? [`${skippedCount} recorded events do not tell what was asked`] : []),
    ...answer.usage.map(({ flavor, serverHours, cost }) => {
      const of = flavor === "" ? "" : `${flavor}: `; // Not every cloud knows flavors.
      const hours = `${of}${serverHours.toFixed(1)} server-hours`;
      return plain(cost === "" ? hours : `${hours}, cost ${cost}`);
    }),
  ];
}
