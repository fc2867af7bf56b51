import { create, toJson } from "@bufbuild/protobuf";
import { timestampMs } from "@bufbuild/protobuf/wkt";
import type { Command } from "commander";
import {
  type AuditSummary,
  AuditSummarySchema,
  type Difference,
  DifferenceSchema,
} from "../../src/gen/muster/v1/colo_service_pb.js";
import { accountName, coloName, idOf } from "../node/index.js";
import { type ExitCode, exitCode } from "./exit.js";
import { lengthWords } from "./explain-words.js";
import { jsonOptions } from "./json.js";
import { type Printer, plain } from "./printer.js";
import { example, type Run } from "./run.js";
import { forFormat, type Session } from "./session.js";
import { ageWords } from "./words.js";

interface Options {
  readonly json?: true;
}

export function addAuditCommand(program: Command, run: Run): void {
  const command = program
    .command("audit")
    .description(
      "Hold ledger, cloud and load balancers against each other, and tell every difference with " +
        "what will be done about it; nothing is done. Exit code 0: no differences, 1: some, " +
        "2: not everything could be seen. Of all accounts, unless --account is given here",
    )
    .argument("[colo]", "the colo's id; all colos when left out")
    .option("--json", "the same as -o json")
    .action((colo: string | undefined, options: Options, self: Command) => {
      const isGiven = self.getOptionValueSourceWithGlobals("account") === "cli";
      return run(self, (session) =>
        audit(forFormat(session, options), colo, isGiven ? session.account : undefined),
      );
    });
  example(command, "audit", "audit iad --account acme --json");
}

interface Audited {
  readonly colo: string;
  readonly differences: readonly Difference[];
  readonly summary: AuditSummary;
}

async function audit(
  session: Session,
  colo: string | undefined,
  account: string | undefined,
): Promise<ExitCode> {
  const all: Audited[] = [];
  for (const id of colo === undefined ? await coloIds(session) : [colo])
    all.push(await auditOne(session, id, account));
  const json = {
    colos: all.map(({ colo: id, differences, summary }) => ({
      colo: id,
      differences: differences.map((one) => toJson(DifferenceSchema, one, jsonOptions)),
      summary: toJson(AuditSummarySchema, summary, jsonOptions),
    })),
  };
  session.print.answer(json, () => {
    for (const one of all) show(session.print, one);
  });
  return auditCodeOf(all.map(({ summary }) => summary));
}

/** What scripts read of an audit: what could not be seen outweighs what was found. */
export function auditCodeOf(
  summaries: readonly Pick<AuditSummary, "differences" | "notSeen">[],
): ExitCode {
  if (summaries.some(({ notSeen }) => notSeen > 0)) return 2;
  return summaries.some(({ differences }) => differences > 0) ? 1 : exitCode.ok;
}

async function coloIds({ client, call }: Session): Promise<readonly string[]> {
  const { colos } = await client.colos.listColos({}, call);
  return colos.map(({ name }) => idOf(name));
}

async function auditOne(
  { client, call, waitMs }: Session,
  colo: string,
  account: string | undefined,
): Promise<Audited> {
  const only = account === undefined ? {} : { account: accountName(account) };
  const request = { name: coloName(colo), ...only };
  const differences: Difference[] = [];
  let summary: AuditSummary | undefined;
  // A big colo takes its time, so the bound is that of waiting.
  for await (const part of client.colos.auditColo(request, { ...call, timeoutMs: waitMs })) {
    differences.push(...part.differences);
    summary = part.summary ?? summary;
  }
  const text = (one: Difference) => `${one.account}/${one.group}`;
  const sorted = differences.toSorted((a, b) => (text(a) < text(b) ? -1 : 1));
  return { colo, differences: sorted, summary: summary ?? unfinished(differences.length) };
}

/** A stream that ended without its summary did not see everything. */
const unfinished = (differences: number): AuditSummary =>
  create(AuditSummarySchema, { differences, notSeen: 1 });

function show(print: Printer, { colo, differences, summary }: Audited): void {
  if (differences.length > 0) {
    const head = ["ACCOUNT", "GROUP", "DIFFERENCE", "OF", "SINCE", "WHY", "WHAT WILL BE DONE"];
    print.table(
      head,
      differences.map((one) => [
        plain(idOf(one.account)),
        plain(one.group) || "-",
        differenceWord(one.kind),
        plain(subjectOf(one)),
        ageWords(one.sinceTime),
        plain(whyWords(one.cause)),
        plain(actionWords(one)),
      ]),
    );
    print.line("");
  }
  print.line(summaryLine(colo, summary));
}

const summaryLine = (colo: string, one: AuditSummary): string => {
  const compared = [
    `${one.accounts} accounts`,
    `${one.groups} groups`,
    `${one.ledgerServers} servers in the ledger`,
    `${one.cloudServers} in the cloud`,
    `${one.members} members`,
  ].join(", ");
  const found = one.differences === 0 ? "no differences" : `${one.differences} differences`;
  const unseen = one.notSeen > 0 ? `, ${one.notSeen} of them could not be seen` : "";
  return `colo ${colo}: ${found}${unseen} (compared: ${compared})`;
};

/** `missingInCloud` as `missing in cloud`. */
const differenceWord = (kind: string): string =>
  plain(kind.replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`));

function subjectOf({ server, cloudId, loadBalancer, address }: Difference): string {
  const where = loadBalancer === "" ? "" : `${loadBalancer} ${address}`.trim();
  return (
    [server, server === "" || where === "" ? cloudId : "", where].filter(Boolean).join(" ") || "-"
  );
}

const whyWords = (cause: Difference["cause"]): string =>
  cause === undefined ? "-" : `${cause.message.replace(/\.$/, "")} (${cause.rule} ${cause.code})`;

function actionWords({ action, untilTime, stoppedBy }: Difference): string {
  const until = untilTime
    ? ` ${lengthWords(Math.max(0, timestampMs(untilTime) - Date.now()))}`
    : "";
  const stopped = stoppedBy ? `; stopped: ${stoppedBy.message.replace(/\.$/, "")}` : "";
  return `${words[action] ?? action}${until}${stopped}`;
}

const words: Readonly<Record<string, string>> = {
  lookUp: "look it up",
  bind: "take it for the intention's server",
  replace: "replace it",
  delete: "delete it",
  attach: "attach it",
  detach: "detach it",
  putRight: "put it right",
  note: "note it in the ledger",
  waitUntil: "wait",
  forPerson: "nothing until a person decides",
  nothing: "nothing",
};
