import { create, type DescMessage, type Message } from "@bufbuild/protobuf";
import { pathToString } from "@bufbuild/protobuf/reflect";
import { createValidator, type Violation } from "@bufbuild/protovalidate";
import type { FieldViolation } from "../core/errors/fault.js";

/** Checks messages against the rules that stand in the proto. */
export interface RequestValidator {
  /** Every violated rule; `prefix` (`group.`) goes before each path. */
  violationsOf(desc: DescMessage, message: Message, prefix?: string): readonly FieldViolation[];
  /**
   * Compiles the rules of a message ahead of its first use, and finds those that do not compile.
   */
  prepare(desc: DescMessage): void;
}

export function createRequestValidator(): RequestValidator {
  const patterns = new Map<string, RegExp>();
  const validator = createValidator({
    // Patterns come from our own protos only and are linear, so the platform's engine is safe.
    regexMatch(pattern, against) {
      const compiled = patterns.get(pattern) ?? new RegExp(pattern, "u");
      patterns.set(pattern, compiled);
      return compiled.test(against);
    },
  });
  const violationsOf: RequestValidator["violationsOf"] = (desc, message, prefix = "") => {
    const result = validator.validate(desc, message);
    if (result.kind === "error") throw result.error;
    return result.kind === "valid"
      ? []
      : result.violations.map((violation) => fieldViolation(violation, prefix));
  };
  return { violationsOf, prepare: (desc) => void violationsOf(desc, create(desc)) };
}

function fieldViolation(violation: Violation, prefix: string): FieldViolation {
  const path = pathToString(violation.field);
  const member = memberOfRule[violation.ruleId];
  const field = member ? (path === "" ? member : `${path}.${member}`) : path;
  const message = violation.message || violation.ruleId;
  const description = violation.forKey ? `key ${message}` : message;
  return { field: prefix + field, description };
}

/** Rules over a whole message name the member that callers should look at. */
const memberOfRule: Readonly<Record<string, string>> = {
  "placement.min_max": "min",
  "group.name": "group.name",
  "policy.name": "policy.name",
  "schedule.name": "schedule.name",
};
