import type { Event } from "../../src/gen/muster/v1/event_service_pb.js";
import { idOf } from "../node/index.js";

/** `340 ms`, `1.2 s`, `2 min 5 s`, `3 h 20 min`. */
export function lengthWords(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 99_950) return `${(ms / 1_000).toFixed(1)} s`;
  const [unit, small, parts] = ms < 3_600_000 ? minutes : ms < 172_800_000 ? hours : days;
  const smalls = Math.round(ms / small.ms);
  const rest = smalls % parts;
  return `${Math.floor(smalls / parts)} ${unit}${rest === 0 ? "" : ` ${rest} ${small.unit}`}`;
}

const minutes = ["min", { unit: "s", ms: 1_000 }, 60] as const;
const hours = ["h", { unit: "min", ms: 60_000 }, 60] as const;
const days = ["d", { unit: "h", ms: 3_600_000 }, 24] as const;

/** How long after the arrival: `+1.2 s`, `+1.2 s – 3.4 s`. */
export function afterWords(firstMs: number, lastMs: number): string {
  const first = lengthWords(firstMs);
  const last = lengthWords(lastMs);
  return first === last ? `+${first}` : `+${first} – ${last}`;
}

/** One event as a line of its tree. */
export function eventWords(event: Event): string {
  const by = event.principal === "" ? "" : ` (by ${event.principal})`;
  const where = event.server === "" ? "" : ` [${shortId(event.server)}]`;
  if (event.receipt) return `${decisionWords(event)}${by}`;
  if (event.type === "group.condition" && event.server === "") return conditionWords(event);
  return `${event.message.replace(/\.$/, "")}${where}${by}`;
}

/** Many events alike as one line: `12 servers came into service`. */
export function manyWords(events: readonly Event[]): string {
  const [first] = events;
  if (first === undefined) return "";
  if (first.receipt) return `${events.length} times: ${decisionWords(first)}`;
  const servers = new Set(events.map(({ server }) => server)).size;
  const what = many[first.type]?.replace("#", String(servers)) ?? plainMany(first, events.length);
  const address = first.type.startsWith("member.") ? first.facts["loadBalancer"] : undefined;
  const reasons = new Set(events.map((event) => whyWords(event, 0)));
  const [why = ""] = reasons;
  const reason = why === "" ? "" : `: ${why}${reasons.size > 1 ? ", and others like it" : ""}`;
  return `${what}${address === undefined ? "" : ` ${address}`}${reason}`;
}

const many: Readonly<Record<string, string>> = {
  "server.intended": "# servers are wanted",
  "server.withdrawn": "# intentions were taken back before their calls",
  "server.building": "# servers build",
  "server.active": "# servers are active in the cloud",
  "server.in_service": "# servers came into service",
  "server.unconfirmed": "the answers to # creates were lost",
  "server.abandoned": "# servers were never found and are given up",
  "server.failed": "# servers failed",
  "server.draining": "# servers leave and take no new connections",
  "server.returned": "# servers that were leaving are back in service",
  "server.deleting": "# servers are being deleted",
  "server.gone": "# servers are gone, as the cloud confirms",
  "server.lost": "# servers vanished from the cloud",
  "member.added": "# servers became members of load balancer",
  "member.removed": "# servers are no longer members of load balancer",
};

function plainMany({ message }: Event, count: number): string {
  return `${count} times: ${message.replace(/\.$/, "")}`;
}

/** What was asked for and what became of it; why, unless it was just done. */
function decisionWords(event: Event): string {
  const head = event.message.split(" (")[0] ?? event.message;
  const why = event.facts["outcome"] === "applied" ? "" : whyWords(event, 0);
  return why === "" ? head : `${head}: ${why}`;
}

/** `no longer converged: …`, `braked: …`. */
function conditionWords(event: Event): string {
  const { condition = "a condition turned", holds } = event.facts;
  const why = whyWords(event, 1);
  const name = holds === "false" ? `no longer ${condition}` : condition;
  return `${event.colo} is ${name}${why === "" ? "" : `: ${why}`}`;
}

function whyWords({ causes }: Event, from: number): string {
  const said = causes.slice(from).map(({ rule, code, message }) => {
    return `${message.replace(/\.$/, "")} (${rule} ${code})`;
  });
  return said.join("; ");
}

/** Ids are long, and their ends differ. */
function shortId(id: string): string {
  return idOf(id).slice(-10);
}
