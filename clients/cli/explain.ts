import { toJson } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import type { Command } from "commander";
import {
  type ExplainEventResponse,
  ExplainEventResponseSchema,
} from "../../src/gen/muster/v1/event_service_pb.js";
import { Outcome, type Receipt } from "../../src/gen/muster/v1/receipt_pb.js";
import { accountName, eventName } from "../node/index.js";
import { type ExitCode, exitCode, UsageError } from "./exit.js";
import { treeLines } from "./explain-tree.js";
import { jsonOptions } from "./json.js";
import { plain } from "./printer.js";
import { example, type Run } from "./run.js";
import { forFormat, type Session } from "./session.js";

interface Options {
  readonly fromHere?: true;
  readonly json?: true;
}

export function addExplainCommand(program: Command, run: Run): void {
  const command = program
    .command("explain")
    .description(
      "Tell what led to an event and everything that followed from it, with rules and numbers,\n" +
        "and what still waits; of a group: its latest scale event that was no mere repetition",
    )
    .argument("<event|group>", "an event's id or name, or a group's id")
    .option("--from-here", "begin with the event itself, not with what it follows from")
    .option("--json", "the same as -o json")
    .action((what: string, options: Options, self: Command) =>
      run(self, (session) => explain(forFormat(session, options), what, options)),
    );
  example(command, "explain web", "explain 01kaxyw3q0v9c5w2m8e7r4t6y1", "explain web --json");
}

async function explain(session: Session, what: string, options: Options): Promise<ExitCode> {
  const fromHere = options.fromHere === true;
  const { name, answer } = await find(session, what, fromHere);
  session.print.answer(toJson(ExplainEventResponseSchema, answer, jsonOptions), () => {
    show(session, name, answer);
  });
  return exitCode.ok;
}

/** An id may be an event's or a group's; a group's latest scale event is meant, or its making. */
async function find(session: Session, what: string, fromHere: boolean) {
  const ask = (name: string) =>
    session.client.events.explainEvent({ name, fromHere }, session.call);
  const given = what.startsWith("accounts/") ? what : eventName(session.account, what);
  if (isEventId(what)) {
    try {
      return { name: given, answer: await ask(given) };
    } catch (error) {
      const missing = ConnectError.from(error).code === Code.NotFound;
      if (!missing || what.startsWith("accounts/")) throw error;
    }
  }
  const decided = await latest(session, what, ["scale.decided"]);
  // An alert that stands is told again and again: what it did is of interest, not its last echo.
  const event =
    decided.find(({ receipt }) => !isRepetition(receipt)) ??
    decided[0] ??
    (await latest(session, what, ["group.created", "group.deleting"]))[0];
  if (event === undefined) {
    throw new UsageError(`there is neither an event nor a group with events called ${plain(what)}`);
  }
  return { name: event.name, answer: await ask(event.name) };
}

const isRepetition = (receipt: Receipt | undefined): boolean =>
  receipt?.outcome === Outcome.NO_CHANGE || receipt?.outcome === Outcome.MERGED;

const isEventId = (what: string): boolean => /^(accounts\/.*|[0-9a-z]{20,})$/.test(what);

/** The newest events, one page of them, the newest first. */
async function latest(session: Session, group: string, types: string[]) {
  const request = { parent: accountName(session.account), group, types, pageSize: 100 };
  return (await session.client.events.searchEvents(request, session.call)).events;
}

function show({ print }: Session, asked: string, answer: ExplainEventResponse): void {
  const { colors } = print;
  for (const [index, line] of answer.summary.entries()) {
    const text = plain(line);
    const isWait = text.startsWith("Waiting ");
    print.line(index === 0 ? colors.bold(text) : isWait ? colors.yellow(text) : text);
  }
  print.line("");
  for (const line of treeLines(answer.events, asked, colors)) print.line(line);
  if (answer.rootLost) print.note("what it follows from is older than the history");
  if (answer.cut) print.note("there is more: explain an event further down with --from-here");
  if (answer.lagging) print.note("the history lags: the newest consequences may be missing");
}
