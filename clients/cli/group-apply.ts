import { toJson } from "@bufbuild/protobuf";
import { GroupSchema } from "../../src/gen/muster/v1/group_pb.js";
import { type Policy, PolicySchema } from "../../src/gen/muster/v1/policy_pb.js";
import { idOf } from "../node/index.js";
import { type Applied, applyGroup, applyPolicy } from "./apply.js";
import { type ExitCode, exitCode } from "./exit.js";
import { jsonOptions } from "./json.js";
import { plain } from "./printer.js";
import { waitAndTell } from "./scale.js";
import type { Session } from "./session.js";
import { readGroupSpec } from "./spec-file.js";

export interface ApplyFileOptions {
  readonly file: string;
  readonly wait?: true;
  readonly dryRun?: true;
  readonly allowUnverified?: true;
}

/** The group first, then its policies: a policy of a group that is not there can only fail. */
export async function applyFile(session: Session, options: ApplyFileOptions): Promise<ExitCode> {
  const spec = await readGroupSpec(session, options.file);
  const dryRun = options.dryRun === true;
  const allowUnverified = options.allowUnverified === true;
  const group = await applyGroup(session, spec, { dryRun, allowUnverified });
  for (const warning of group.warnings) session.print.note(`warning: ${plain(warning)}`);
  const { target } = spec.group;
  if (group.done !== "created" && target !== undefined && target !== group.now.target) {
    session.print.note(`the file's target is not applied; see \`musterctl scale ${spec.id}\``);
  }

  const policies: Applied<Policy>[] = [];
  for (const policy of dryRun ? [] : spec.policies) {
    policies.push(await applyPolicy(session, session.group(spec.id), policy));
  }

  const answer = {
    group: toJson(GroupSchema, group.now, jsonOptions),
    policies: policies.map(({ now }) => toJson(PolicySchema, now, jsonOptions)),
    warnings: [...group.warnings],
    done: group.done,
    dryRun,
  };
  session.print.answer(answer, () => {
    const done = dryRun ? `would be ${group.done}` : group.done;
    session.print.line(`group ${spec.id} ${done}`);
    for (const { now, done } of policies) {
      session.print.line(`policy ${spec.id}/${idOf(now.name)} ${done}`);
    }
  });
  if (options.wait === true && !dryRun) await waitAndTell(session, session.group(spec.id));
  return exitCode.ok;
}
