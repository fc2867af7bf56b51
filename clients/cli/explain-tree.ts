import { timestampMs } from "@bufbuild/protobuf/wkt";
import type { Event, ExplainedEvent } from "../../src/gen/muster/v1/event_service_pb.js";
import { afterWords, eventWords, manyWords } from "./explain-words.js";
import { type Colors, plain } from "./printer.js";

/** An event with what followed from it. */
interface Branch {
  readonly event: Event;
  readonly children: Branch[];
}

/**
 * The tree as indented lines with times since its first event. What happened to many alike is one
 * line, and so is what followed from them.
 *
 * @param asked the name of the event that was asked about; its line is marked.
 */
export function treeLines(
  nodes: readonly ExplainedEvent[],
  asked: string,
  colors: Colors,
): readonly string[] {
  const root = branchesOf(nodes);
  if (root === undefined) return [];
  const arrivedMs = msOf(root.event);
  const rows: Row[] = [];
  grow([root], { rows, asked, arrivedMs, colors }, { own: "", below: "" });
  const width = Math.max(...rows.map(({ when }) => when.length));
  return rows.map(({ when, stem, what }) => {
    return `${colors.dim(when.padStart(width))}  ${colors.dim(stem)}${what}`.trimEnd();
  });
}

interface Row {
  readonly when: string;
  readonly stem: string;
  readonly what: string;
}

interface Growing {
  readonly rows: Row[];
  readonly asked: string;
  readonly arrivedMs: number;
  readonly colors: Colors;
}

function branchesOf(nodes: readonly ExplainedEvent[]): Branch | undefined {
  const path: Branch[] = [];
  for (const { event, depth } of nodes) {
    if (event === undefined) continue;
    const branch: Branch = { event, children: [] };
    path.length = Math.min(depth, path.length);
    path.at(-1)?.children.push(branch);
    path.push(branch);
  }
  return path[0];
}

interface Stem {
  readonly own: string;
  readonly below: string;
}

function grow(siblings: readonly Branch[], growing: Growing, stem: Stem): void {
  const { rows, asked, arrivedMs, colors } = growing;
  const isRoot = rows.length === 0;
  const bundles = bundled(siblings);
  for (const [index, bundle] of bundles.entries()) {
    const events = bundle.map(({ event }) => event);
    const isLast = index === bundles.length - 1;
    const mark = isRoot ? "" : isLast ? "└─ " : "├─ ";
    const below = isRoot ? "" : `${stem.below}${isLast ? "   " : "│  "}`;
    const times = events.map((event) => Math.max(0, msOf(event) - arrivedMs));
    const what = events.length === 1 ? eventWords(events[0]!) : manyWords(events);
    const isAsked = !isRoot && events.some(({ name }) => name === asked);
    rows.push({
      when: afterWords(Math.min(...times), Math.max(...times)),
      stem: `${stem.below}${mark}`,
      what: `${tinted(colors, events[0]!, plain(what))}${isAsked ? colors.bold("  ← asked about") : ""}`,
    });
    const children = bundle.flatMap((one) => one.children);
    if (children.length > 0) grow(children.toSorted(byTime), growing, { own: mark, below });
  }
}

/**
 * Siblings that are alike, together, in the order of the first of each. A pause, a brake, a hold
 * between two of them parts them: what came before did not wait for it.
 */
function bundled(siblings: readonly Branch[]): readonly (readonly Branch[])[] {
  const bundles: Branch[][] = [];
  let open = new Map<string, Branch[]>();
  for (const branch of siblings) {
    if (parts(branch.event)) open = new Map();
    const key = kindOf(branch.event);
    const known = open.get(key);
    if (known) {
      known.push(branch);
      continue;
    }
    const fresh = [branch];
    open.set(key, fresh);
    bundles.push(fresh);
  }
  return bundles;
}

const parting: ReadonlySet<string> = new Set(["paused", "braked", "held", "degraded"]);

function parts({ type, facts }: Event): boolean {
  return type === "group.condition" && parting.has(facts["condition"] ?? "");
}

function kindOf(event: Event): string {
  const { type, colo, facts, causes, receipt, name, server } = event;
  // A decision that acted is a thing of its own, as is what is no server's.
  const isOwn = receipt?.oldTarget !== receipt?.newTarget || (server === "" && !receipt);
  const codes = causes.map(({ rule, code }) => `${rule} ${code}`);
  return JSON.stringify([type, colo, codes, facts["outcome"], isOwn ? name : ""]);
}

function byTime(a: Branch, b: Branch): number {
  return msOf(a.event) - msOf(b.event) || Number(a.event.sequence - b.event.sequence);
}

function msOf({ time }: Event): number {
  return time === undefined ? 0 : timestampMs(time);
}

const bad: ReadonlySet<string> = new Set([
  "server.failed",
  "server.lost",
  "server.abandoned",
  "server.unconfirmed",
  "server.orphan",
  "invariant.violated",
]);

function tinted(colors: Colors, event: Event, text: string): string {
  if (bad.has(event.type)) return colors.red(text);
  if (event.type === "server.in_service") return colors.green(text);
  const holdsUp = parts(event) && event.facts["holds"] === "true";
  const refused = event.receipt !== undefined && event.facts["outcome"] !== "applied";
  return holdsUp || refused || event.type === "group.paused" ? colors.yellow(text) : text;
}
