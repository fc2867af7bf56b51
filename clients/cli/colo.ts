import { create, toJson } from "@bufbuild/protobuf";
import { type Duration, durationMs } from "@bufbuild/protobuf/wkt";
import type { Command } from "commander";
import {
  type Admission,
  type AdmissionFault,
  AdmissionPhase,
  type AdmissionWaiting,
  type Colo,
  ColoSchema,
  ListColosResponseSchema,
  OperationClass,
} from "../../src/gen/muster/v1/colo_service_pb.js";
import { coloName, idOf } from "../node/index.js";
import { readDuration } from "./args.js";
import { type ExitCode, exitCode, UsageError } from "./exit.js";
import { jsonOptions } from "./json.js";
import { type Printer, plain } from "./printer.js";
import { example, type Run } from "./run.js";
import type { Session } from "./session.js";
import {
  ageWords,
  aheadWords,
  brakeSourceWord,
  callsWord,
  instantWords,
  operationWord,
} from "./words.js";

export function addColoCommands(program: Command, run: Run): void {
  const colos = program.command("colo").description("Data centres and their brakes");
  const list = colos
    .command("list")
    .description("List the colos")
    .action((_: unknown, self: Command) => run(self, listColos));
  example(list, "colo list");
  const get = colos
    .command("get")
    .description("Show one colo with its brakes and its queue")
    .argument("<colo>", "the colo's id")
    .action((colo: string, _: unknown, self: Command) =>
      run(self, (session) => getColo(session, colo)),
    );
  example(get, "colo get iad");
  const quarantine = colos
    .command("quarantine")
    .description("Scale in and delete nothing there until each group's ledger is confirmed")
    .argument("<colo>", "the colo's id")
    .requiredOption("--reason <text>", "for whoever finds it")
    .action((colo: string, options: { readonly reason: string }, self: Command) =>
      run(self, (session) => quarantineColo(session, colo, options.reason)),
    );
  example(quarantine, 'colo quarantine iad --reason "state.db restored from the 03:00 backup"');
  const brake = colos
    .command("brake")
    .description(
      "The kill switch of a colo. While the store is down, the file STOP in a node's data folder " +
        "(killSwitchFile) stops that node",
    );
  addBrakeSet(brake, run);
  addBrakeClear(brake, run);
}

async function quarantineColo(session: Session, id: string, reason: string): Promise<ExitCode> {
  if (reason.trim() === "") throw new UsageError("--reason must not be blank");
  const request = { name: coloName(id), reason };
  const { placements } = await session.client.colos.quarantineColo(request, session.call);
  session.print.answer({ placements }, () => {
    session.print.line(`colo ${id}: ${placements} placements are in quarantine`);
  });
  return exitCode.ok;
}

interface BrakeOptions {
  readonly create?: true;
  readonly delete?: true;
  readonly loadBalancer?: true;
  readonly all?: true;
}

interface SetOptions extends BrakeOptions {
  readonly reason: string;
  readonly for?: Duration;
}

function addBrakeSet(brake: Command, run: Run): void {
  const set = operationOptions(
    brake
      .command("set")
      .description("Stop classes of operations in a colo, on every node within a second")
      .argument("<colo>", "the colo's id"),
  )
    .requiredOption("--reason <text>", "for whoever finds it")
    .option("--for <duration>", "how long it holds; default: until it is cleared", readDuration)
    .action((colo: string, options: SetOptions, self: Command) =>
      run(self, (session) => setBrake(session, colo, options)),
    );
  example(set, 'colo brake set iad --create --reason "storage is full" --for 1h');
}

function addBrakeClear(brake: Command, run: Run): void {
  const clear = operationOptions(
    brake
      .command("clear")
      .description("Let operations go on; all of them when none is named")
      .argument("<colo>", "the colo's id"),
  ).action((colo: string, options: BrakeOptions, self: Command) =>
    run(self, (session) => clearBrake(session, colo, options)),
  );
  example(clear, "colo brake clear iad", "colo brake clear iad --create");
}

const operationOptions = (command: Command): Command =>
  command
    .option("--create", "creating servers: scaling out and replacement")
    .option("--delete", "deleting servers")
    .option("--load-balancer", "changing load balancers")
    .option("--all", "all of them");

function operationsOf(options: BrakeOptions): OperationClass[] {
  const { all } = options;
  return [
    ...(all || options.create ? [OperationClass.CREATE] : []),
    ...(all || options.delete ? [OperationClass.DELETE] : []),
    ...(all || options.loadBalancer ? [OperationClass.LOAD_BALANCER] : []),
  ];
}

async function listColos(session: Session): Promise<ExitCode> {
  const answer = await session.client.colos.listColos({}, session.call);
  session.print.answer(toJson(ListColosResponseSchema, answer, jsonOptions), () => {
    const head = ["COLO", "CLOUD", "LOAD BALANCERS", "GROUPS", "RUNNING", "WAITING", "BRAKES"];
    const rows = answer.colos.map((one) => [
      idOf(one.name),
      one.cloudDriver,
      one.loadBalancerDriver || "-",
      ...[one.placements, one.stepsRunning, one.stepsWaiting].map(String),
      session.print.colors.red(one.brakes.map((brake) => operationWord(brake.operation)).join(",")),
    ]);
    session.print.table(head, rows);
  });
  return exitCode.ok;
}

async function getColo(session: Session, id: string): Promise<ExitCode> {
  const { colo } = await session.client.colos.getColo({ name: coloName(id) }, session.call);
  answerColo(session, colo);
  return exitCode.ok;
}

async function setBrake(session: Session, id: string, options: SetOptions): Promise<ExitCode> {
  const operations = operationsOf(options);
  if (operations.length === 0) {
    throw new UsageError("say what to stop: --create, --delete, --load-balancer or --all");
  }
  if (options.reason.trim() === "") throw new UsageError("--reason must not be blank");
  const duration = options.for === undefined ? {} : { duration: options.for };
  const request = { name: coloName(id), operations, reason: options.reason, ...duration };
  const { colo } = await session.client.colos.setBrake(request, session.call);
  answerColo(session, colo);
  return exitCode.ok;
}

async function clearBrake(session: Session, id: string, options: BrakeOptions): Promise<ExitCode> {
  const request = { name: coloName(id), operations: operationsOf(options) };
  const { colo } = await session.client.colos.clearBrake(request, session.call);
  answerColo(session, colo);
  return exitCode.ok;
}

function answerColo(session: Session, found: Colo | undefined): void {
  const colo = found ?? create(ColoSchema);
  session.print.answer(toJson(ColoSchema, colo, jsonOptions), () => showColo(session.print, colo));
}

function showColo(print: Printer, colo: Colo): void {
  print.facts([
    ["colo", idOf(colo.name)],
    ["cloud", colo.cloudDriver],
    ["load balancers", colo.loadBalancerDriver || "-"],
    ["groups", String(colo.placements)],
    ["steps running", String(colo.stepsRunning)],
    ["steps waiting", String(colo.stepsWaiting)],
    ["kill switch read", colo.switchAge ? `${durationMs(colo.switchAge)} ms ago` : "-"],
    ["brakes", colo.brakes.length === 0 ? "none" : String(colo.brakes.length)],
  ]);
  showBrakes(print, colo);
  showAdmissions(print, colo.admissions);
}

function showBrakes(print: Printer, colo: Colo): void {
  if (colo.brakes.length === 0) return;
  print.line("");
  const rows = colo.brakes.map((one) => [
    print.colors.red(operationWord(one.operation)),
    ageWords(one.sinceTime),
    one.expireTime === undefined ? "cleared" : instantWords(one.expireTime),
    brakeSourceWord(one.source),
    plain(one.principal),
    plain(one.reason),
  ]);
  print.table(["BRAKE", "SINCE", "UNTIL", "FROM", "BY", "REASON"], rows);
}

/** What each API's controller lets through, and what waits for it. */
function showAdmissions(print: Printer, admissions: readonly Admission[]): void {
  if (admissions.length === 0) return;
  print.line("");
  const rows = admissions.map((one) => {
    const calls = callsWord(one.phase);
    return [
      plain(one.api),
      one.phase === AdmissionPhase.CLOSED ? calls : print.colors.red(calls),
      ageWords(one.sinceTime),
      one.nextTime === undefined ? "-" : aheadWords(one.nextTime),
      `${one.inFlight}/${one.inFlightMax}`,
      one.perSecondMax === undefined ? "-" : one.perSecondMax.toFixed(1),
      waitingWords(one.waiting),
      one.lastFault ? faultWords(one.lastFault) : "-",
    ];
  });
  const head = ["API", "CALLS", "SINCE", "NEXT IN", "AT ONCE", "A SECOND", "WAITING", "LAST FAULT"];
  print.table(head, rows);
}

/** A fault stands there long after all is well: its age tells. */
function faultWords({ time, operation, message }: AdmissionFault): string {
  return plain(`${ageWords(time)} ago, ${operation}: ${message}`);
}

function waitingWords(waiting: AdmissionWaiting | undefined): string {
  if (!waiting) return "-";
  const { reads, deletes, urgent, changes, placements } = waiting;
  const counts = { reads, deletes, urgent, changes, placements };
  const some = Object.entries(counts).filter(([, count]) => count > 0);
  return some.length === 0 ? "-" : some.map(([what, count]) => `${count} ${what}`).join(", ");
}
