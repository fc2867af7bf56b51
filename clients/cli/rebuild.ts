import { create, toJson } from "@bufbuild/protobuf";
import type { Duration } from "@bufbuild/protobuf/wkt";
import { type Command, InvalidArgumentError } from "commander";
import { type Group, GroupSchema } from "../../src/gen/muster/v1/group_pb.js";
import type { RebuildAmount } from "../../src/gen/muster/v1/rebuild_pb.js";
import { readCount, readDuration } from "./args.js";
import { type ExitCode, exitCode } from "./exit.js";
import { jsonOptions } from "./json.js";
import { rebuildWords, rebuiltWords } from "./rebuild-words.js";
import { example, type Run } from "./run.js";
import type { Session } from "./session.js";
import { waitRebuilt } from "./wait.js";

type Amount = Pick<RebuildAmount, "amount">;

interface Options {
  readonly maxSurge?: Amount;
  readonly maxUnavailable?: Amount;
  readonly pause?: Duration;
  readonly checkpoint?: readonly number[];
  readonly checkpointWait?: Duration;
  readonly stopAfter?: number;
  readonly rollBack?: true;
  readonly wait?: true;
}

export function addRebuildCommands(program: Command, run: Run): void {
  const rebuild = program
    .command("rebuild")
    .description(
      "Replace a group's servers, batch by batch, by such of its newest launch revision",
    );
  addStart(rebuild, run);
  addWord(rebuild, run, {
    name: "cancel",
    does: "End a rebuild; servers stay as they are",
    call: ({ client, call }, name) => client.groups.cancelRebuild({ name }, call),
  });
  addWord(rebuild, run, {
    name: "continue",
    does: "Have a rebuild go on that waits at a checkpoint",
    call: ({ client, call }, name) => client.groups.continueRebuild({ name }, call),
  });
  addWord(rebuild, run, {
    name: "rollback",
    does: "Take the last rebuild back: its servers are replaced by such as were proven before",
    call: ({ client, call }, name) => client.groups.rollBackRebuild({ name }, call),
  });
}

function addStart(rebuild: Command, run: Run): void {
  const start = rebuild
    .command("start", { isDefault: true })
    .description("Replace the servers (what `rebuild` alone does, too)")
    .argument("<group>", "the group's id")
    .option("--max-surge <n|n%>", "servers beyond the target meanwhile", readAmount)
    .option("--max-unavailable <n|n%>", "servers that may be missing from service", readAmount)
    .option("--pause <duration>", "how long it rests between two batches", readDuration)
    .option("--checkpoint <percents>", "where it waits: 10,50", readPercents)
    .option("--checkpoint-wait <duration>", "how long; otherwise for `continue`", readDuration)
    .option("--stop-after <n>", "so many failed new servers stop it (default 3)", readCount)
    .option("--roll-back", "what stops it also takes back what it made")
    .option("--wait", "wait until it has ended")
    .action((group: string, options: Options, self: Command) =>
      run(self, (session) => startRebuild(session, group, options)),
    );
  example(
    start,
    "rebuild web --max-surge 2 --checkpoint 10,50 --roll-back --wait",
    "rebuild web --max-surge 0 --max-unavailable 10% --pause 30s",
  );
}

interface Word {
  readonly name: string;
  readonly does: string;
  readonly call: (
    session: Session,
    name: string,
  ) => Promise<{ readonly group?: Group | undefined }>;
}

function addWord(rebuild: Command, run: Run, { name, does, call }: Word): void {
  const command = rebuild
    .command(name)
    .description(does)
    .argument("<group>", "the group's id")
    .option("--wait", "wait until the rebuild has ended")
    .action((group: string, options: Pick<Options, "wait">, self: Command) =>
      run(self, async (session) => {
        const { group: answer } = await call(session, session.group(group));
        return answered(session, answer ?? create(GroupSchema), options);
      }),
    );
  example(command, `rebuild ${name} web`);
}

async function startRebuild(session: Session, id: string, options: Options): Promise<ExitCode> {
  const { maxSurge, maxUnavailable, pause, checkpointWait } = options;
  const request = {
    name: session.group(id),
    options: {
      ...(maxSurge && { maxSurge }),
      ...(maxUnavailable && { maxUnavailable }),
      ...(pause && { pause }),
      ...(checkpointWait && { checkpointWait }),
      checkpoints: [...(options.checkpoint ?? [])],
      stopAfter: options.stopAfter ?? 0,
      rollBack: options.rollBack === true,
    },
  };
  const { group } = await session.client.groups.rebuildGroup(request, session.call);
  return answered(session, group ?? create(GroupSchema), options);
}

async function answered(
  session: Session,
  group: Group,
  { wait }: Pick<Options, "wait">,
): Promise<ExitCode> {
  session.print.answer(toJson(GroupSchema, group, jsonOptions), () => {
    for (const words of rebuildWords(group)) session.print.line(words);
  });
  if (wait !== true) return exitCode.ok;
  const ended = await waitRebuilt(session, group.name);
  const { words, isDone } = rebuiltWords(ended);
  session.print.note(words);
  return isDone ? exitCode.ok : exitCode.failed;
}

/** For commander: `2` or `25%`. */
function readAmount(text: string): Amount {
  const [, number, unit] = /^(\d{1,4})(%?)$/.exec(text) ?? [];
  const value = Number(number ?? Number.NaN);
  if (Number.isNaN(value)) throw new InvalidArgumentError("It must look like 2 or 25%.");
  return { amount: { case: unit === "%" ? "percent" : "servers", value } };
}

/** For commander: `10,50`. */
function readPercents(text: string): readonly number[] {
  const percents = text.split(",").map(Number);
  if (percents.every((one) => Number.isInteger(one) && one >= 1 && one <= 99)) return percents;
  throw new InvalidArgumentError("Checkpoints are percents from 1 to 99, as in 10,50.");
}
