import { OutsideFault } from "../../core/errors/outside-fault.js";
import type { Member } from "../../core/model/server.js";

/** One server of a backend, as `show servers state` tells of it. */
export interface ServerState {
  readonly backendId: string;
  readonly name: string;
  readonly host: string;
  readonly port: number;
  readonly weight: number;
  readonly admin: "ready" | "drain" | "maint";
  readonly checksEnabled: boolean;
  readonly health: Member["health"];
}

/** The one version of the format that there is; its columns are named in the second line. */
const formatVersion = "1";
const columnsNeeded = [
  "be_id",
  "srv_name",
  "srv_addr",
  "srv_op_state",
  "srv_admin_state",
  "srv_uweight",
  "srv_check_status",
  "srv_check_state",
  "srv_fqdn",
  "srv_port",
];

/** Any bit of maintenance (forced, inherited, configured, unresolved) and of draining. */
const maintenanceBits = 0x01 | 0x02 | 0x04 | 0x20 | 0x40;
const drainBits = 0x08 | 0x10;
const checkEnabledBit = 0x04;
/** Unknown, initialised, started: no check has ended yet. */
const checkStatusUndecidedMax = 2;
const stopped = 0;

/** @throws OutsideFault `unknown` on a format never seen */
export function parseServersState(answer: string): readonly ServerState[] {
  const [version, header, ...lines] = answer.trimEnd().split("\n");
  if (version !== formatVersion || header === undefined || !header.startsWith("# "))
    throw new OutsideFault("unknown", `haproxy's servers state begins with "${version}"`);
  const columns = columnIndex(header.slice(2).split(" "), columnsNeeded);
  return lines.filter((line) => line !== "").map((line) => parseServer(line.split(" "), columns));
}

function parseServer(cells: readonly string[], columns: ReadonlyMap<string, number>): ServerState {
  const text = (column: string) => cells[columns.get(column) ?? -1] ?? "";
  const number = (column: string) => wholeNumber(text(column), column);
  const adminBits = number("srv_admin_state");
  const admin = adminBits & maintenanceBits ? "maint" : adminBits & drainBits ? "drain" : "ready";
  const checksEnabled = (number("srv_check_state") & checkEnabledBit) !== 0;
  const decided = number("srv_check_status") > checkStatusUndecidedMax;
  const running = number("srv_op_state") !== stopped;
  const told = checksEnabled && decided && admin !== "maint";
  return {
    backendId: text("be_id"),
    name: text("srv_name"),
    // A server by name has no address until it is resolved.
    host: text("srv_addr") === "-" ? text("srv_fqdn") : text("srv_addr"),
    port: number("srv_port"),
    weight: number("srv_uweight"),
    admin,
    checksEnabled,
    health: told ? (running ? "healthy" : "unhealthy") : "unknown",
  };
}

/** Current sessions by server name, from `show stat`'s CSV. @throws OutsideFault `unknown` */
export function parseSessions(answer: string): ReadonlyMap<string, number> {
  const [header, ...lines] = answer.trimEnd().split("\n");
  if (!header?.startsWith("# "))
    throw new OutsideFault("unknown", `haproxy's statistics begin with "${header}"`);
  const columns = columnIndex(header.slice(2).split(","), ["svname", "scur"]);
  const nameAt = columns.get("svname") ?? -1;
  const sessionsAt = columns.get("scur") ?? -1;
  // Both columns come before the first that may hold quotes or commas.
  const rows = lines.map((line) => line.split(",", Math.max(nameAt, sessionsAt) + 1));
  return new Map(
    rows
      .filter((cells) => cells.length > 1)
      .map((cells) => [cells[nameAt] ?? "", wholeNumber(cells[sessionsAt] ?? "", "scur")]),
  );
}

function columnIndex(names: readonly string[], needed: readonly string[]) {
  const columns = new Map(names.map((name, index) => [name, index]));
  const missing = needed.find((name) => !columns.has(name));
  if (missing !== undefined)
    throw new OutsideFault("unknown", `haproxy's answer has no column ${missing}`);
  return columns;
}

function wholeNumber(text: string, column: string): number {
  if (!/^\d{1,15}$/.test(text))
    throw new OutsideFault("unknown", `haproxy's ${column} is "${text}", not a number`);
  return Number(text);
}
