import type { MemberChange } from "../../core/ports/load-balancer.js";
import { drainingTag, isDrainingTag, memberOf, type OctaviaMember } from "./member-view.js";

/** What is to be sent so that a pool has the wanted members, and leaves the others alone. */
export interface PlannedChanges {
  /** To be added, or updated where they have an id. */
  readonly puts: readonly MemberPut[];
  /** Ids of members. */
  readonly removals: readonly string[];
}

export interface MemberPut {
  readonly id?: string;
  readonly body: MemberBody;
}

export interface MemberBody {
  readonly address: string;
  readonly protocol_port: number;
  readonly weight: number;
  readonly tags: readonly string[];
  readonly backup?: boolean;
  readonly monitor_address?: string | null;
  readonly monitor_port?: number | null;
}

type Put = Extract<MemberChange, { readonly kind: "put" }>;

/** Of several changes of one address the last counts. */
export function planChanges(
  changes: readonly MemberChange[],
  members: readonly OctaviaMember[],
): PlannedChanges {
  const known = new Map(members.map((one) => [`${one.address} ${one.protocol_port}`, one]));
  const wanted = new Map(changes.map((one) => [`${one.host} ${one.port}`, one]));
  const puts: MemberPut[] = [];
  const removals: string[] = [];
  for (const [address, change] of wanted) {
    const member = known.get(address);
    if (change.kind === "put") {
      if (!member) puts.push({ body: bodyOf(change) });
      else if (!isAsWanted(member, change))
        puts.push({ id: member.id, body: bodyOf(change, member) });
    } else if (member) removals.push(member.id);
  }
  return { puts, removals };
}

function isAsWanted(member: OctaviaMember, { weight, draining }: Put): boolean {
  const status = member.provisioning_status;
  if (status === "ERROR" || status === "PENDING_DELETE") return false;
  const seen = memberOf(member);
  return seen.weight === weight && seen.draining === draining;
}

/** A batch sets what it does not name to its default: what others set on a member is named. */
function bodyOf({ host, port, weight, draining }: Put, member?: OctaviaMember): MemberBody {
  const tags = (member?.tags ?? []).filter((tag) => !isDrainingTag(tag));
  return {
    ...{ address: host, protocol_port: port, weight: draining ? 0 : weight },
    tags: draining ? [...tags, drainingTag(weight)] : tags,
    ...(member && {
      backup: member.backup ?? false,
      monitor_address: member.monitor_address ?? null,
      monitor_port: member.monitor_port ?? null,
    }),
  };
}
