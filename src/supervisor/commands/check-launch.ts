import { Fault, invalidFields } from "../../core/errors/fault.js";
import { outsideFaultOf } from "../../core/errors/outside-fault.js";
import type { AccountId } from "../../core/model/ids.js";
import type { GroupSpec } from "../api.js";
import type { Context } from "../context.js";

/**
 * Checks a group against its colos: they exist, have what it attaches to, and their clouds accept
 * the launch configuration. An outage is never reported as the user's mistake (B1.5).
 *
 * @returns what could not be checked, where `allowUnverified`.
 * @throws Fault `FIELD_INVALID` naming every problem; `CLOUD_UNAVAILABLE` when it cannot tell;
 *   `CREDENTIALS_REFUSED` when the account has none, or the cloud refuses them.
 */
export async function checkLaunch(
  context: Context,
  request: {
    readonly account: AccountId;
    readonly spec: GroupSpec;
    readonly allowUnverified: boolean;
    readonly signal: AbortSignal;
  },
): Promise<readonly string[]> {
  const { account, spec, allowUnverified, signal } = request;
  const unknown = spec.placements.flatMap(({ colo, attachments }, index) => {
    const found = context.colos.get(colo);
    const field = `placements[${index}]`;
    if (!found) return [{ field: `${field}.colo`, description: `there is no colo ${colo}` }];
    if (attachments.length > 0 && !found.outside.loadBalancer)
      return [{ field: `${field}.load_balancers`, description: "this colo has no load balancers" }];
    return [];
  });
  if (unknown.length > 0) throw invalidFields(unknown);

  const warnings: string[] = [];
  for (const { colo } of spec.placements) {
    const { outside } = context.colos.get(colo)!;
    try {
      const problems = await outside.checkLaunch({ account, launch: spec.launch }, { signal });
      if (problems.length === 0) continue;
      throw invalidFields(
        problems.map(({ field, description }) => ({
          field: `launch_configuration.${field}`,
          description,
        })),
      );
    } catch (error) {
      if (error instanceof Fault) throw error;
      const { kind, message } = outsideFaultOf(error);
      const say = `the launch configuration could not be checked in ${colo}: ${message}`;
      if (allowUnverified) warnings.push(say);
      // Asking again does not help: somebody has to see to the account's credentials.
      else if (kind === "denied") throw new Fault("CREDENTIALS_REFUSED", { say });
      else throw new Fault("CLOUD_UNAVAILABLE", { say, retryAfterMs: 5_000 });
    }
  }
  return warnings;
}
