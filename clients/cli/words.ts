import { type Timestamp, timestampDate, timestampMs } from "@bufbuild/protobuf/wkt";
import type { Cause } from "../../src/gen/muster/v1/cause_pb.js";
import {
  AdmissionPhase,
  BrakeSource,
  OperationClass,
} from "../../src/gen/muster/v1/colo_service_pb.js";
import { RebuildPhase } from "../../src/gen/muster/v1/rebuild_pb.js";
import { Outcome } from "../../src/gen/muster/v1/receipt_pb.js";
import { ServerState } from "../../src/gen/muster/v1/server_service_pb.js";
import { WebhookUse } from "../../src/gen/muster/v1/webhook_service_pb.js";
import { plain } from "./printer.js";

type WireEnum = Readonly<Record<string, number>>;

/** `IN_SERVICE` as `in-service`. Numbers that we do not know yet stay numbers. */
function wordOf(of: WireEnum, number: number): string {
  const [word] = Object.entries(of).find(([, value]) => value === number) ?? [String(number)];
  return lower(word);
}

const lower = (word: string): string => word.toLowerCase().replaceAll("_", "-");

export const serverStateWord = (state: number): string => wordOf(ServerState, state);
export const operationWord = (operation: number): string => wordOf(OperationClass, operation);
/** How calls go; a circuit's own words (closed: all is well) mislead who does not build circuits. */
export function callsWord(phase: AdmissionPhase): string {
  switch (phase) {
    case AdmissionPhase.CLOSED:
      return "flow";
    case AdmissionPhase.OPEN:
      return "stopped";
    case AdmissionPhase.PROBING:
      return "one probe";
    case AdmissionPhase.RAMPING:
      return "grow again";
    default:
      return wordOf(AdmissionPhase, phase);
  }
}
export const brakeSourceWord = (source: number): string => wordOf(BrakeSource, source);
export const rebuildPhaseWord = (phase: number): string => wordOf(RebuildPhase, phase);
export const webhookUseWord = (use: number): string => wordOf(WebhookUse, use);
export const outcomeWord = (outcome: number): string => wordOf(Outcome, outcome);

/** The words of an enum that may be given on the command line. */
export const wordsOf = (of: WireEnum): readonly string[] =>
  Object.keys(of)
    .filter((word) => of[word] !== 0)
    .map(lower);

/** The number of such a word; commander has checked that it is one. */
export const numberOf = <Wire extends WireEnum>(of: Wire, word: string): Wire[keyof Wire] =>
  of[word.toUpperCase().replaceAll("-", "_") as keyof Wire];

/** `B2.5 COOLDOWN_POLICY: cools down for another 40 s`. The message tells the facts, all of them. */
export function causeWords(cause: Cause): string {
  const head = [cause.rule, cause.code].filter((word) => word !== "").join(" ");
  const said = cause.message === "" ? factWords(cause.facts) : cause.message;
  return plain(said === "" ? head : `${head}${head === "" ? "" : ": "}${said}`);
}

export const factWords = (facts: Readonly<Record<string, string>>): string =>
  Object.entries(facts)
    .map(([name, value]) => `${name} ${value}`)
    .join(", ");

/** `2026-11-23T05:41:34Z`; `-` when there is none. */
export const instantWords = (time: Timestamp | undefined): string =>
  time === undefined
    ? "-"
    : timestampDate(time)
        .toISOString()
        .replace(/\.\d+Z$/, "Z");

/** How long ago: `12s`, `5m`, `3h`, `2d`; `-` when there is none. */
export const ageWords = (time: Timestamp | undefined): string =>
  time === undefined ? "-" : spanWords(Date.now() - timestampMs(time));

/** How long until then. */
export const aheadWords = (time: Timestamp): string => spanWords(timestampMs(time) - Date.now());

const spans = [
  { unit: "d", ms: 86_400_000 },
  { unit: "h", ms: 3_600_000 },
  { unit: "m", ms: 60_000 },
] as const;

/** In the largest unit of which there are two, so that little is lost. */
export function spanWords(ms: number): string {
  const span = spans.find((one) => ms >= 2 * one.ms);
  if (span !== undefined) return `${Math.floor(ms / span.ms)}${span.unit}`;
  return `${Math.max(0, Math.round(ms / 1_000))}s`;
}

/** `+2`, `-2`. */
export const signedWords = (number: number): string => (number > 0 ? `+${number}` : String(number));
