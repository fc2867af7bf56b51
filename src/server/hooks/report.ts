import type { ValidateFunction } from "ajv";
import { invalidFields } from "../../core/errors/fault.js";
import type { PolicyId } from "../../core/model/ids.js";
import type { AlertState } from "../../core/model/policy.js";

/** What a monitor says of one alert. */
export interface AlertReport {
  readonly key: string;
  readonly state: AlertState;
  readonly value?: number;
  /** The policy that the alert itself names. */
  readonly policy?: PolicyId;
}

/** @throws Fault `FIELD_INVALID` naming the field and what it must be. */
export function readJson<Value>(body: Buffer, check: ValidateFunction<Value>): Value {
  let parsed: unknown;
  try {
    parsed = JSON.parse(body.toString());
  } catch {
    throw invalidFields([{ field: "body", description: "must be JSON" }]);
  }
  if (check(parsed)) return parsed;
  const { instancePath = "", message = "is wrong" } = check.errors?.[0] ?? {};
  const field = instancePath
    .slice(1)
    .replace(/\/(\d+)/g, "[$1]")
    .replaceAll("/", ".");
  throw invalidFields([{ field: field || "body", description: message }]);
}
