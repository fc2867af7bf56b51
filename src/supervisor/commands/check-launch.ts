import { Fault, invalidFields } from "../../core/errors/fault.js";
import { outsideFaultOf } from "../../core/errors/outside-fault.js";
import type { Caller } from "../api.js";
import type { Context } from "../context.js";
import { isUnanswered } from "../peers/ask-peer.js";
import type { LaunchCheck } from "../peers/commands.js";

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
  request: LaunchCheck,
  caller: Caller,
): Promise<readonly string[]> {
  const { placements } = request.spec;
  const { colos, elsewhere } = context;
  const unknown = placements.flatMap(({ colo, attachments }, index) => {
    const found = colos.get(colo);
    const field = `placements[${index}]`;
    if (!found && !elsewhere?.colos.has(colo))
      return [{ field: `${field}.colo`, description: `there is no colo ${colo}` }];
    if (found && attachments.length > 0 && !found.outside.loadBalancer) return [noBalancers(index)];
    return [];
  });
  if (unknown.length > 0) throw invalidFields(unknown);

  const warnings: string[] = [];
  for (const [index, { colo }] of placements.entries())
    warnings.push(
      ...(colos.has(colo)
        ? await checkLaunchHere(context, { ...request, index }, caller)
        : await checkLaunchThere(context, { ...request, index }, caller)),
    );
  return warnings;
}

/** The part of it in a colo that is served here. */
export async function checkLaunchHere(
  context: Context,
  { account, spec, allowUnverified, index }: LaunchCheck & { readonly index: number },
  { signal }: Caller,
): Promise<readonly string[]> {
  const { colo, attachments } = spec.placements[index]!;
  const { outside } = context.colos.get(colo)!;
  if (attachments.length > 0 && !outside.loadBalancer) throw invalidFields([noBalancers(index)]);
  try {
    const problems = await outside.checkLaunch({ account, launch: spec.launch }, { signal });
    if (problems.length === 0) return [];
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
    if (allowUnverified) return [say];
    // Asking again does not help: somebody has to see to the account's credentials.
    if (kind === "denied") throw new Fault("CREDENTIALS_REFUSED", { say });
    throw new Fault("CLOUD_UNAVAILABLE", { say, retryAfterMs: 5_000 });
  }
}

async function checkLaunchThere(
  { elsewhere }: Context,
  request: LaunchCheck & { readonly index: number },
  caller: Caller,
): Promise<readonly string[]> {
  const { colo } = request.spec.placements[request.index]!;
  try {
    return await elsewhere!.ask(colo, "launch.check", request, caller);
  } catch (error) {
    if (!isUnanswered(error)) throw error;
    const say = `the launch configuration could not be checked in ${colo}: ${error.message}`;
    if (request.allowUnverified) return [say];
    throw new Fault("CLOUD_UNAVAILABLE", { say, retryAfterMs: 5_000 });
  }
}

function noBalancers(index: number) {
  const field = `placements[${index}].load_balancers`;
  return { field, description: "this colo has no load balancers" };
}
