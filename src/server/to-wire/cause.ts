import { create } from "@bufbuild/protobuf";
import type { Cause } from "../../core/model/cause.js";
import { sayCause } from "../../core/model/say-cause.js";
import { CauseSchema, type Cause as WireCause } from "../../gen/muster/v1/cause_pb.js";

export function writeCause(cause: Cause): WireCause {
  return create(CauseSchema, {
    rule: cause.rule,
    code: cause.code,
    facts: writeFacts(cause.facts),
    message: sayCause(cause),
  });
}

export function writeFacts(
  facts: Readonly<Record<string, string | number | boolean>>,
): Record<string, string> {
  const written: Record<string, string> = {};
  for (const [name, value] of Object.entries(facts)) written[name] = String(value);
  return written;
}
