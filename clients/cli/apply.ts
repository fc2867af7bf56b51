import { clearField, clone, type DescMessage, equals, type MessageShape } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { type Group, GroupSchema } from "../../src/gen/muster/v1/group_pb.js";
import { type Policy, PolicySchema } from "../../src/gen/muster/v1/policy_pb.js";
import { type Schedule, ScheduleSchema } from "../../src/gen/muster/v1/schedule_pb.js";
import { accountName } from "../node/index.js";
import type { Session } from "./session.js";
import type { GroupSpec, PolicySpec, ScheduleSpec } from "./spec-file.js";

/** What applying a file did, or under `--dry-run` would do. */
export interface Applied<Kind> {
  readonly now: Kind;
  readonly done: "created" | "updated" | "unchanged";
  readonly warnings: readonly string[];
}

export interface ApplyOptions {
  readonly dryRun: boolean;
  readonly allowUnverified: boolean;
}

/** The file is the whole truth: what it leaves out gets its default. The target is never moved. */
export async function applyGroup(
  session: Session,
  spec: GroupSpec,
  options: ApplyOptions,
): Promise<Applied<Group>> {
  const { groups } = session.client;
  const name = session.group(spec.id);
  const known = await unlessNotFound(async () => {
    return (await groups.getGroup({ name }, session.call)).group;
  });
  const how = { validateOnly: options.dryRun, allowUnverified: options.allowUnverified };
  if (known === undefined) {
    const parent = accountName(session.account);
    const request = { parent, groupId: spec.id, group: settableGroup(spec.group), ...how };
    if (spec.group.target !== undefined) request.group.target = spec.group.target;
    const answer = await groups.createGroup(request, session.call);
    return { now: answer.group ?? request.group, done: "created", warnings: answer.warnings };
  }
  const wanted = settableGroup(spec.group);
  if (!options.dryRun && equals(GroupSchema, wanted, settableGroup(known))) {
    return { now: known, done: "unchanged", warnings: [] };
  }
  const group = { ...wanted, name, etag: spec.group.etag };
  const answer = await groups.updateGroup({ group, ...how }, session.call);
  const now = answer.group ?? known;
  const same = equals(GroupSchema, settableGroup(now), settableGroup(known));
  return { now, done: same ? "unchanged" : "updated", warnings: answer.warnings };
}

export async function applyPolicy(
  session: Session,
  parent: string,
  { id, policy }: PolicySpec,
): Promise<Applied<Policy>> {
  const { policies } = session.client;
  const name = `${parent}/policies/${id}`;
  const known = await unlessNotFound(async () => {
    return (await policies.getPolicy({ name }, session.call)).policy;
  });
  const wanted = settablePolicy(policy);
  if (known === undefined) {
    const request = { parent, policyId: id, policy: wanted };
    const answer = await policies.createPolicy(request, session.call);
    return { now: answer.policy ?? wanted, done: "created", warnings: [] };
  }
  if (equals(PolicySchema, wanted, settablePolicy(known))) {
    return { now: known, done: "unchanged", warnings: [] };
  }
  const request = { policy: { ...wanted, name, etag: policy.etag } };
  const now = (await policies.updatePolicy(request, session.call)).policy ?? known;
  const same = equals(PolicySchema, settablePolicy(now), settablePolicy(known));
  return { now, done: same ? "unchanged" : "updated", warnings: [] };
}

export async function applySchedule(
  session: Session,
  parent: string,
  { id, schedule }: ScheduleSpec,
): Promise<Applied<Schedule>> {
  const { schedules } = session.client;
  const name = `${parent}/schedules/${id}`;
  const known = await unlessNotFound(async () => {
    return (await schedules.getSchedule({ name }, session.call)).schedule;
  });
  const wanted = settableSchedule(schedule);
  if (known === undefined) {
    const request = { parent, scheduleId: id, schedule: wanted };
    const answer = await schedules.createSchedule(request, session.call);
    return { now: answer.schedule ?? wanted, done: "created", warnings: [] };
  }
  if (equals(ScheduleSchema, wanted, settableSchedule(known))) {
    return { now: known, done: "unchanged", warnings: [] };
  }
  const request = { schedule: { ...wanted, name, etag: schedule.etag } };
  const now = (await schedules.updateSchedule(request, session.call)).schedule ?? known;
  const same = equals(ScheduleSchema, settableSchedule(now), settableSchedule(known));
  return { now, done: same ? "unchanged" : "updated", warnings: [] };
}

async function unlessNotFound<Found>(read: () => Promise<Found>): Promise<Found | undefined> {
  try {
    return await read();
  } catch (error) {
    if (ConnectError.from(error).code === Code.NotFound) return undefined;
    throw error;
  }
}

/** Without what is the server's to say, so that two of them can be compared. */
const settableGroup = (group: Group): Group =>
  without(GroupSchema, group, [...common, ...["launchRevision", "target", "status"]]);

const settablePolicy = (policy: Policy): Policy => without(PolicySchema, policy, common);

const settableSchedule = (schedule: Schedule): Schedule =>
  without(ScheduleSchema, schedule, [...common, ...["nextTimes", "last"]]);

const common = ["name", "uid", "etag", "createTime", "updateTime"];

function without<Desc extends DescMessage>(
  schema: Desc,
  message: MessageShape<Desc>,
  names: readonly string[],
): MessageShape<Desc> {
  const copy = clone(schema, message);
  const fields = schema.fields.filter((field) => names.includes(field.localName));
  for (const field of fields) clearField(copy, field);
  return copy;
}
