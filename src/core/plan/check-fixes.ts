import type { Cause, CauseCode } from "../model/cause.js";

/** What a person does about a finding. `{name}` is a fact of its cause. */
const fixes: Partial<Record<CauseCode, string>> = {
  NOT_CHECKED: "ask again; if it stays so, look at the colo: musterctl colo list",
  COLO_UNKNOWN: "name a colo that there is: musterctl colo list",
  LAUNCH_INVALID: "correct the launch configuration, or make it exist in {colo}",
  QUOTA_SHORT: "ask the cloud for a higher quota of {resource}, or lower max",
  NO_LOAD_BALANCERS: "leave load_balancers out, or configure a load-balancer driver for {colo}",
  LOAD_BALANCER_GONE: "attach one that exists, or make {loadBalancer}",
  LOAD_BALANCER_UNREADABLE: "let the account's credentials read {loadBalancer}",
  PORT_UNKNOWN: "name the port that the servers listen on",
  HEALTH_UNKNOWN: "leave it out, or let the load balancers of {colo} check their members",
  CREDENTIALS_DENIED: "write credentials that the cloud takes",
  CREDENTIALS_OTHER_PROJECT:
    "use the old project's credentials; if the move is meant: musterctl admin repin",
  BRAKED: "once the reason is gone: musterctl colo brake clear, or remove the switch file",
  CLOUD_BUSY: "wait: it ends when the cloud answers well again; see musterctl colo get",
  PAUSED: "once the reason is gone: musterctl groups resume",
  PROCESS_PAUSED: "once the reason is gone: musterctl groups resume",
  DELETING: "wait until it is gone",
  QUARANTINE: "compare with musterctl audit, then: musterctl groups confirm-ledger",
  BACKOFF: "mend what the cloud complains of; it is tried again by itself",
};

/** Held groups wait for a person, whatever for. */
const otherwise = "look at it, then: musterctl groups acknowledge";

export function fixOf({ code, facts }: Cause): string {
  const fix = fixes[code] ?? otherwise;
  return fix.replaceAll(/\{(\w+)\}/g, (_, name: string) => String(facts[name] ?? "it"));
}
