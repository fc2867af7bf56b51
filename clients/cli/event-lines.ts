import type { Event } from "../../src/gen/muster/v1/event_service_pb.js";
import { idOf } from "../node/index.js";
import { type Printer, plain } from "./printer.js";
import { factWords, instantWords } from "./words.js";

/** When, what kind, where, what. */
export function eventCells(print: Printer, event: Event): readonly string[] {
  const where = event.colo === "" ? idOf(event.group) : `${idOf(event.group)}@${event.colo}`;
  const by = event.principal === "" ? "" : ` (by ${event.principal})`;
  const what = plain(`${event.message || factWords(event.facts)}${by}`);
  return [instantWords(event.time), print.colors.cyan(plain(event.type)), plain(where), what];
}

const typeColumns = 20;
const whereColumns = 16;

/** One line of an endless table, whose columns cannot know what is still to come. */
export function eventLine(print: Printer, event: Event): string {
  const [time = "", , where = "", what = ""] = eventCells(print, event);
  const type = print.colors.cyan(plain(event.type).padEnd(typeColumns));
  return `${time}  ${type}  ${where.padEnd(whereColumns)}  ${what}`.trimEnd();
}
