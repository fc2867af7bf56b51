import { Code, ConnectError } from "@connectrpc/connect";
import { accountName, groupName, type MusterClient, policyName } from "../../clients/node/index.js";
import { AlertState } from "../../src/gen/muster/v1/policy_pb.js";
import { sleeper } from "../e2e/groups.js";
import { tenth as plan } from "../simulation/drill/plan.js";

export interface GroupId {
  readonly account: string;
  readonly group: string;
}

export interface Standing {
  readonly group: string;
  readonly target: number;
  readonly inService: number;
  readonly onTheWay: number;
}

/** A connection may end just as it is used again: whoever asks is free to ask once more. */
async function persistently<Value>(ask: () => Promise<Value>): Promise<Value> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await ask();
    } catch (error) {
      const { code } = ConnectError.from(error);
      if (code === Code.AlreadyExists && attempt > 1) return undefined as Value;
      const passes = code === Code.Internal || code === Code.Unavailable;
      if (!passes || attempt >= attemptsMax) throw error;
    }
  }
}

const attemptsMax = 5;

export function groupIds(colo: string, count: number): readonly GroupId[] {
  return Array.from({ length: count }, (_, index) => ({
    account: `${colo}-${Math.floor(index / plan.groupsPerAccount)}`,
    group: `g${index}`,
  }));
}

/** At `before` servers, with a policy that adds `step` while its alert stands. */
export async function createGroup(
  { groups, policies }: MusterClient,
  colo: string,
  { account, group }: GroupId,
): Promise<void> {
  const parameters = { command: sleeper };
  await persistently(() =>
    groups.createGroup({
      parent: accountName(account),
      groupId: group,
      group: {
        displayName: group,
        target: plan.before,
        placements: [{ colo, min: 0, max: 2 * plan.enough }],
        launchConfiguration: { image: "none", flavor: "small", parameters },
      },
    }),
  );
  await persistently(() =>
    policies.createPolicy({
      parent: groupName(account, group),
      policyId: "load",
      policy: {
        displayName: "load",
        action: { case: "change", value: plan.step },
        alertRule: {
          actsOn: AlertState.CRITICAL,
          repeat: { seconds: BigInt(plan.tellEveryMs / 1_000) },
        },
      },
    }),
  );
}

export async function report(
  { scaling }: MusterClient,
  id: GroupId,
  state: AlertState,
): Promise<void> {
  const alert = { policy: policyName({ ...id, policy: "load" }), key: "cpu", state };
  await persistently(() => scaling.reportAlert(alert));
}

/** Every group of the accounts, by its name. */
export async function standings(
  { groups }: MusterClient,
  ids: readonly GroupId[],
): Promise<ReadonlyMap<string, Standing>> {
  const accounts = [...new Set(ids.map((one) => one.account))];
  const pages = await Promise.all(
    accounts.map((account) =>
      persistently(() => groups.listGroups({ parent: accountName(account) })),
    ),
  );
  const all = pages.flatMap((page) => page.groups);
  return new Map(
    all.map(({ name, status }) => {
      const placements = status?.placements ?? [];
      const sum = (of: (one: (typeof placements)[number]) => number) =>
        placements.reduce((total, one) => total + of(one), 0);
      const standing = {
        group: name,
        target: sum((one) => one.target),
        inService: sum((one) => one.inService),
        onTheWay: sum((one) => one.pending + one.leaving),
      };
      return [name, standing];
    }),
  );
}
