import { toJson } from "@bufbuild/protobuf";
import type { Command } from "commander";
import {
  type CheckFinding,
  type CheckGroupResponse,
  CheckGroupResponseSchema,
  CheckSeverity,
  type PlacementCheck,
} from "../../src/gen/muster/v1/group_service_pb.js";
import { type ExitCode, exitCode, UsageError } from "./exit.js";
import { jsonOptions } from "./json.js";
import { type Colors, plain } from "./printer.js";
import { example, type Run } from "./run.js";
import { forFormat, type Session } from "./session.js";
import { readGroupSpec } from "./spec-file.js";

interface Options {
  readonly file?: string;
  readonly json?: true;
}

export function addCheckCommand(program: Command, run: Run): void {
  const command = program
    .command("check")
    .description(
      "Ask the colos whether a group is going to work: launch configuration, quota, credentials,\n" +
        "load balancers, and what stops it at the moment. Nothing is changed. Exit code 0: it is,\n" +
        "1: there are problems, 2: there are none, but not everything could be asked",
    )
    .argument("[group]", "the id of a group that exists, checked as it stands")
    .option("-f, --file <file>", "a group as JSON, as `groups apply` takes it; - is standard input")
    .option("--json", "the same as -o json")
    .action((group: string | undefined, options: Options, self: Command) =>
      run(self, (session) => check(forFormat(session, options), group, options)),
    );
  example(command, "check web", "check -f web.json");
}

async function check(
  session: Session,
  id: string | undefined,
  { file }: Options,
): Promise<ExitCode> {
  if ((id === undefined) === (file === undefined))
    throw new UsageError("check takes either a group's id or --file");
  const spec = file === undefined ? undefined : await readGroupSpec(session, file);
  const group = spec?.id ?? id!;
  const request = { name: session.group(group), ...(spec && { group: spec.group }) };
  const answer = await session.client.groups.checkGroup(request, session.call);
  session.print.answer(toJson(CheckGroupResponseSchema, answer, jsonOptions), () => {
    for (const line of checkLines(group, answer, session.print.colors)) session.print.line(line);
  });
  return checkCodeOf(answer.placements.flatMap(({ findings }) => findings));
}

/** What scripts read: a problem is certain, whatever else could not be asked. */
export function checkCodeOf(findings: readonly Pick<CheckFinding, "severity">[]): ExitCode {
  const has = (severity: CheckSeverity) => findings.some((one) => one.severity === severity);
  if (has(CheckSeverity.PROBLEM)) return exitCode.failed;
  return has(CheckSeverity.UNKNOWN) ? 2 : exitCode.ok;
}

export function checkLines(
  group: string,
  { placements }: CheckGroupResponse,
  colors: Colors,
): readonly string[] {
  const findings = placements.flatMap((one) => one.findings);
  return [
    ...placements.flatMap((one) => [placementLine(one), ...findingLines(one.findings, colors)]),
    `group ${group}: ${verdict(findings)}`,
  ];
}

function placementLine({ colo, servers, serversMax, room, roomBy }: PlacementCheck): string {
  const more = `${room} more by quota (${roomBy})`;
  const quota = room === undefined ? "" : `; room for ${plain(more)}`;
  return `${colo}: ${servers} of at most ${serversMax} servers${quota}`;
}

function findingLines(findings: readonly CheckFinding[], colors: Colors): readonly string[] {
  return findings.flatMap(({ field, severity, cause, fix }) => {
    const why = cause ? `${cause.message.replace(/\.$/, "")} (${cause.rule} ${cause.code})` : "-";
    const [word, paint] = severities(colors)[severity] ?? [String(severity), String];
    return [
      `  ${paint(word.padEnd(wordWidth))} ${plain(`${field}: ${why}`)}`,
      `  ${" ".repeat(wordWidth)} ${colors.dim("to do:")} ${plain(fix)}`,
    ];
  });
}

const severities = (
  colors: Colors,
): Readonly<Record<number, readonly [string, (text: string) => string]>> => ({
  [CheckSeverity.PROBLEM]: ["problem", colors.red],
  [CheckSeverity.WARNING]: ["warning", colors.yellow],
  [CheckSeverity.UNKNOWN]: ["unknown", colors.dim],
});

const wordWidth = "problem".length;

function verdict(findings: readonly CheckFinding[]): string {
  const count = (severity: CheckSeverity, word: string) => {
    const found = findings.filter((finding) => finding.severity === severity).length;
    return found === 0 ? [] : [`${word}: ${found}`];
  };
  const parts = [
    ...count(CheckSeverity.PROBLEM, "problems"),
    ...count(CheckSeverity.UNKNOWN, "could not be asked"),
    ...count(CheckSeverity.WARNING, "warnings"),
  ];
  return parts.length === 0 ? "nothing stands in its way" : parts.join(", ");
}
