import { Ajv } from "ajv";
import type { PolicyId } from "../../core/model/ids.js";
import type { AlertState } from "../../core/model/policy.js";
import { type AlertReport, readJson } from "./report.js";

/** The alerts of one notification, at most; as many keys a policy remembers. */
export const alertsMax = 1_000;

const words = {
  type: "object",
  maxProperties: 200,
  additionalProperties: { type: "string", maxLength: 16_384 },
} as const;

/** What is read of Alertmanager's webhook body; the rest may be anything. */
const check = new Ajv({ allErrors: false }).compile<Notification>({
  type: "object",
  required: ["version", "alerts"],
  properties: {
    version: { const: "4" },
    alerts: {
      type: "array",
      maxItems: alertsMax,
      items: {
        type: "object",
        required: ["status", "labels", "fingerprint"],
        properties: {
          status: { enum: ["firing", "resolved"] },
          labels: words,
          annotations: words,
          fingerprint: { type: "string", pattern: "^[0-9a-f]{1,64}$" },
        },
      },
    },
  },
});

interface Notification {
  readonly alerts: readonly Alert[];
}

interface Alert {
  readonly status: "firing" | "resolved";
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly fingerprint: string;
}

/**
 * What an Alertmanager's notification (version 4) says, alert by alert.
 *
 * @throws Fault `FIELD_INVALID`: sending it again would not help.
 */
export function readAlertmanager(body: Buffer): readonly AlertReport[] {
  return readJson(body, check).alerts.map((alert) => {
    const policy = alert.labels["muster_policy"];
    const value = readValue(alert.annotations?.["muster_value"]);
    return {
      key: keyOf(alert),
      state: stateOf(alert),
      ...(policy === undefined ? {} : { policy: policy as PolicyId }),
      ...(value === undefined ? {} : { value }),
    };
  });
}

/** The fingerprint is that of all labels; the name before it is for who reads the history. */
function keyOf({ labels, fingerprint }: Alert): string {
  const name = (labels["alertname"] ?? "").slice(0, nameLengthMax);
  return name === "" ? fingerprint : `${name}/${fingerprint}`;
}

const nameLengthMax = 180;

/** An alert that does not say how bad it is asks for action; one of a lesser kind for a look. */
function stateOf({ status, labels: { severity = "critical" } }: Alert): AlertState {
  if (status === "resolved") return "ok";
  return severity === "critical" || severity === "page" ? "critical" : "warning";
}

/** What is no number (`+Inf`, text) is left out: the alert counts, not its decoration. */
function readValue(text = ""): number | undefined {
  const value = Number(text);
  return text.trim() !== "" && Number.isFinite(value) ? value : undefined;
}
