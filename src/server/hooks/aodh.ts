import { Ajv } from "ajv";
import type { AlertState } from "../../core/model/policy.js";
import { type AlertReport, readJson } from "./report.js";

/** What is read of the body of Aodh's alarm actions; the rest may be anything. */
const check = new Ajv({ allErrors: false }).compile<Alarm>({
  type: "object",
  required: ["alarm_id", "current"],
  properties: {
    alarm_id: { type: "string", pattern: "^[0-9A-Za-z_.-]{1,64}$" },
    current: { enum: ["ok", "alarm", "insufficient data"] },
  },
});

interface Alarm {
  readonly alarm_id: string;
  readonly current: "ok" | "alarm" | "insufficient data";
  /** Of thresholds; other alarms have other reasons. */
  readonly reason_data?: { readonly most_recent?: unknown } | null;
}

/**
 * An alarm asks for action whatever its severity: Aodh gives `low` to all that do not say, and
 * means by it who is to be woken.
 */
const states = {
  ok: "ok",
  alarm: "critical",
  "insufficient data": "unknown",
} as const satisfies Record<Alarm["current"], AlertState>;

/** @throws Fault `FIELD_INVALID` */
export function readAodh(body: Buffer): readonly AlertReport[] {
  const { alarm_id: id, current, reason_data: reason } = readJson(body, check);
  const value = reason?.most_recent;
  const isMeasured = typeof value === "number" && Number.isFinite(value);
  return [{ key: `aodh/${id}`, state: states[current], ...(isMeasured && { value }) }];
}
