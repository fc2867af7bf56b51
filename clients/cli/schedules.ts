import { create, toJson } from "@bufbuild/protobuf";
import { durationMs } from "@bufbuild/protobuf/wkt";
import type { Command } from "commander";
import { type Schedule, ScheduleSchema, type Window } from "../../src/gen/muster/v1/schedule_pb.js";
import { ListSchedulesResponseSchema } from "../../src/gen/muster/v1/schedule_service_pb.js";
import { idOf, scheduleName } from "../node/index.js";
import { type Applied, applySchedule } from "./apply.js";
import { type ExitCode, exitCode } from "./exit.js";
import { allPages, jsonOptions, pageSizeMax } from "./json.js";
import { plain } from "./printer.js";
import { example, type Run } from "./run.js";
import type { Session } from "./session.js";
import { readScheduleSpecs } from "./spec-file.js";
import { instantWords, outcomeWord, signedWords, spanWords } from "./words.js";

export function addScheduleCommands(program: Command, run: Run): void {
  const schedules = program
    .command("schedules")
    .description("What is done with a group's target by itself, once or again and again");
  addReading(schedules, run);
  addWriting(schedules, run);
}

function addReading(schedules: Command, run: Run): void {
  const list = schedules
    .command("list")
    .description("List a group's schedules")
    .argument("<group>", "the group's id")
    .action((group: string, _: unknown, self: Command) =>
      run(self, (session) => listSchedules(session, group)),
    );
  example(list, "schedules list web");
  const get = schedules
    .command("get")
    .description("Show one schedule: when it is due next, and what was done last")
    .argument("<group>", "the group's id")
    .argument("<schedule>", "the schedule's id")
    .action((group: string, schedule: string, _: unknown, self: Command) =>
      run(self, (session) => getSchedule(session, group, schedule)),
    );
  example(get, "schedules get web morning");
}

const morning = [
  '{"id":"morning","displayName":"Before work"',
  '"cron":{"expression":"30 7 * * MON-FRI","timeZone":"Europe/Berlin"},"target":20}',
].join(",");

function addWriting(schedules: Command, run: Run): void {
  const apply = schedules
    .command("apply")
    .description("Create or update schedules from JSON; those not in the file stay")
    .argument("<group>", "the group's id")
    .requiredOption("-f, --file <file>", "one schedule or a list of them; - is standard input")
    .action((group: string, options: { readonly file: string }, self: Command) =>
      run(self, (session) => applySchedules(session, group, options.file)),
    );
  example(apply, "schedules apply web -f week.json", `schedules apply web -f - <<< '${morning}'`);
  const remove = schedules
    .command("delete")
    .description("Delete a schedule; its window closes")
    .argument("<group>", "the group's id")
    .argument("<schedule>", "the schedule's id")
    .action((group: string, schedule: string, _: unknown, self: Command) =>
      run(self, (session) => deleteSchedule(session, group, schedule)),
    );
  example(remove, "schedules delete web morning");
}

async function listSchedules(session: Session, group: string): Promise<ExitCode> {
  const schedules = await allPages(async (pageToken) => {
    const request = { parent: session.group(group), pageSize: pageSizeMax, pageToken };
    const page = await session.client.schedules.listSchedules(request, session.call);
    return { items: page.schedules, nextPageToken: page.nextPageToken };
  });
  const answer = create(ListSchedulesResponseSchema, { schedules: [...schedules] });
  session.print.answer(toJson(ListSchedulesResponseSchema, answer, jsonOptions), () => {
    const rows = schedules.map((one) => [
      idOf(one.name),
      timingWords(one),
      actionWords(one),
      instantWords(one.nextTimes[0]),
      lastWords(one),
      plain(one.displayName),
    ]);
    session.print.table(["SCHEDULE", "WHEN", "DOES", "NEXT", "LAST", "DISPLAY NAME"], rows);
  });
  return exitCode.ok;
}

async function getSchedule(session: Session, group: string, schedule: string): Promise<ExitCode> {
  const name = scheduleName({ account: session.account, group, schedule });
  const answer = await session.client.schedules.getSchedule({ name }, session.call);
  const found = answer.schedule ?? create(ScheduleSchema);
  session.print.answer(toJson(ScheduleSchema, found, jsonOptions), () => {
    const { last } = found;
    session.print.facts([
      ["schedule", idOf(found.name)],
      ["display name", plain(found.displayName)],
      ["when", timingWords(found)],
      ["does", actionWords(found)],
      ["may be late", found.grace === undefined ? "-" : spanWords(durationMs(found.grace))],
      ["next", found.nextTimes.map(instantWords).join(", ") || "-"],
      ["last", last === undefined ? "-" : `${lastWords(found)}, event ${last.eventId}`],
      ["created", instantWords(found.createTime)],
      ["updated", instantWords(found.updateTime)],
      ["etag", found.etag],
    ]);
  });
  return exitCode.ok;
}

async function applySchedules(session: Session, group: string, file: string): Promise<ExitCode> {
  const specs = await readScheduleSpecs(session, file, group);
  const applied: Applied<Schedule>[] = [];
  for (const spec of specs) applied.push(await applySchedule(session, session.group(group), spec));
  const schedules = applied.map((one) => one.now);
  const answer = create(ListSchedulesResponseSchema, { schedules });
  session.print.answer(toJson(ListSchedulesResponseSchema, answer, jsonOptions), () => {
    for (const { now, done } of applied) {
      session.print.line(`schedule ${group}/${idOf(now.name)} ${done}`);
    }
  });
  return exitCode.ok;
}

async function deleteSchedule(
  session: Session,
  group: string,
  schedule: string,
): Promise<ExitCode> {
  const name = scheduleName({ account: session.account, group, schedule });
  await session.client.schedules.deleteSchedule({ name }, session.call);
  session.print.answer({ name }, () => session.print.line(`schedule ${group}/${schedule} deleted`));
  return exitCode.ok;
}

/** `2026-11-27T08:00:00Z`, `30 7 * * MON-FRI Europe/Berlin`. */
function timingWords({ timing }: Schedule): string {
  if (timing.case === "at") return instantWords(timing.value);
  return timing.case === "cron" ? `${timing.value.expression} ${timing.value.timeZone}` : "-";
}

/** `to 5`, `+2`, `policy up`, `min 2, max 8 for 10h`. */
function actionWords({ action }: Schedule): string {
  switch (action.case) {
    case "target":
      return `to ${action.value}`;
    case "change":
      return signedWords(action.value);
    case "policy":
      return `policy ${idOf(action.value)}`;
    case "window":
      return windowWords(action.value);
    case undefined:
      return "-";
    default:
      throw new Error(`unknown action ${action satisfies never}`);
  }
}

function windowWords({ min, max, floor, duration }: Window): string {
  const limits = Object.entries({ min, max, floor }).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name} ${value}`],
  );
  const span = duration === undefined ? "" : ` for ${spanWords(durationMs(duration))}`;
  return `${limits.join(", ")}${span}`;
}

/** `applied 2026-11-26T08:00:00Z`. */
function lastWords({ last }: Schedule): string {
  if (last === undefined) return "-";
  return `${last.missed ? "missed" : outcomeWord(last.outcome)} ${instantWords(last.dueTime)}`;
}
