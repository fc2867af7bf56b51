import { readFile } from "node:fs/promises";
import { text } from "node:stream/consumers";
import { type DescMessage, fromJson, type JsonValue } from "@bufbuild/protobuf";
import { DurationSchema } from "@bufbuild/protobuf/wkt";
import { type Group, GroupSchema } from "../../src/gen/muster/v1/group_pb.js";
import { type Policy, PolicySchema } from "../../src/gen/muster/v1/policy_pb.js";
import { type Schedule, ScheduleSchema } from "../../src/gen/muster/v1/schedule_pb.js";
import {
  type SuppliedEvents,
  SuppliedEventsSchema,
} from "../../src/gen/muster/v1/simulation_pb.js";
import { durationMsOf } from "./args.js";
import { UsageError } from "./exit.js";
import { isObject } from "./json.js";
import type { Session } from "./session.js";

export interface PolicySpec {
  readonly id: string;
  readonly policy: Policy;
}

export interface GroupSpec {
  readonly id: string;
  readonly group: Group;
  readonly policies: readonly PolicySpec[];
}

/** A group as JSON, `-` for standard input. Throws UsageError, which names the file. */
export async function readGroupSpec(session: Session, path: string): Promise<GroupSpec> {
  const json = await readJson(session, path);
  if (!isObject(json)) throw new UsageError(`${path}: a group is a JSON object`);
  const { id, name, policies = [], ...rest } = json;
  const groupId = ownId(path, { id, name, parent: `accounts/${session.account}/groups` });
  if (!Array.isArray(policies)) throw new UsageError(`${path}: policies must be a list`);
  return {
    id: groupId,
    group: parse(path, GroupSchema, rest) as Group,
    policies: policies.map((one) => policySpec(path, session.group(groupId), one)),
  };
}

/** One policy, a list of them, or an object with `policies`. */
export async function readPolicySpecs(
  session: Session,
  path: string,
  group: string,
): Promise<readonly PolicySpec[]> {
  const json = await readJson(session, path);
  const held = isObject(json) ? (json["policies"] ?? [json]) : json;
  if (!Array.isArray(held)) throw new UsageError(`${path}: a policy is a JSON object`);
  return held.map((one) => policySpec(path, session.group(group), one));
}

function policySpec(path: string, groupName: string, json: JsonValue): PolicySpec {
  if (!isObject(json)) throw new UsageError(`${path}: a policy is a JSON object`);
  const { id, name, ...rest } = json;
  return {
    id: ownId(path, { id, name, parent: `${groupName}/policies` }),
    policy: parse(path, PolicySchema, rest) as Policy,
  };
}

export interface ScheduleSpec {
  readonly id: string;
  readonly schedule: Schedule;
}

/** One schedule, a list of them, or an object with `schedules`. */
export async function readScheduleSpecs(
  session: Session,
  path: string,
  group: string,
): Promise<readonly ScheduleSpec[]> {
  const json = await readJson(session, path);
  const held = isObject(json) ? (json["schedules"] ?? [json]) : json;
  if (!Array.isArray(held)) throw new UsageError(`${path}: a schedule is a JSON object`);
  return held.map((one) => scheduleSpec(path, session.group(group), one));
}

/** A policy may be named by its id: it is one of the same group. */
function scheduleSpec(path: string, groupName: string, json: JsonValue): ScheduleSpec {
  if (!isObject(json)) throw new UsageError(`${path}: a schedule is a JSON object`);
  const { id, name, policy, ...rest } = json;
  const isId = typeof policy === "string" && !policy.includes("/");
  const full = isId ? `${groupName}/policies/${policy}` : policy;
  return {
    id: ownId(path, { id, name, parent: `${groupName}/schedules` }),
    schedule: parse(path, ScheduleSchema, {
      ...rest,
      ...(full === undefined ? {} : { policy: full }),
    }) as Schedule,
  };
}

/** A list of events, or an object with `events`. */
export async function readSuppliedEvents(session: Session, path: string): Promise<SuppliedEvents> {
  const json = await readJson(session, path);
  const events = isObject(json) ? (json["events"] ?? null) : json;
  if (!Array.isArray(events)) throw new UsageError(`${path}: events are a JSON list`);
  return parse(path, SuppliedEventsSchema, { events }) as SuppliedEvents;
}

async function readJson(session: Session, path: string): Promise<JsonValue> {
  try {
    return JSON.parse(path === "-" ? await text(session.io.stdin) : await readFile(path, "utf8"));
  } catch (error) {
    session.io.signal.throwIfAborted();
    throw new UsageError(`${path}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** The id as `id`, as `name`, or as the end of a full `name`, which must lie under `parent`. */
function ownId(
  path: string,
  given: {
    readonly id: JsonValue | undefined;
    readonly name: JsonValue | undefined;
    readonly parent: string;
  },
): string {
  const { id, name, parent } = given;
  const full = typeof name === "string" && name.includes("/") ? name : undefined;
  const fromName = full === undefined ? name : full.slice(full.lastIndexOf("/") + 1);
  const found = id ?? fromName;
  if (typeof found !== "string" || found === "") {
    throw new UsageError(`${path}: the object needs its id as "id" or "name"`);
  }
  if (fromName !== undefined && fromName !== "" && fromName !== found) {
    throw new UsageError(`${path}: "id" says ${found}, but "name" says ${fromName}`);
  }
  if (full !== undefined && full !== `${parent}/${found}`) {
    throw new UsageError(`${path}: "${full}" does not lie in ${parent}`);
  }
  return found;
}

function parse<Desc extends DescMessage>(path: string, schema: Desc, json: JsonValue) {
  try {
    return fromJson(schema, friendlyDurations(schema, json));
  } catch (error) {
    throw new UsageError(`${path}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** Proto3 JSON knows durations in seconds only; people also write `5m` and `1h30m`. */
function friendlyDurations(schema: DescMessage, json: JsonValue): JsonValue {
  if (!isObject(json)) return json;
  const pairs = Object.entries(json).map(([name, value]) => {
    const field = schema.fields.find((one) => one.jsonName === name || one.name === name);
    return [name, field?.message === undefined ? value : within(field.message, value)] as const;
  });
  return Object.fromEntries(pairs);
}

function within(schema: DescMessage, json: JsonValue): JsonValue {
  if (schema.typeName === DurationSchema.typeName) {
    const ms = typeof json === "string" ? durationMsOf(json) : undefined;
    return ms === undefined ? json : `${ms / 1_000}s`;
  }
  if (schema.typeName.startsWith("google.protobuf.")) return json;
  if (Array.isArray(json)) return json.map((one) => friendlyDurations(schema, one));
  return friendlyDurations(schema, json);
}
