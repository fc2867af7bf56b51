import { accountName, groupName, type MusterClient, policyName } from "../../clients/node/index.js";
import { AlertState } from "../../src/gen/muster/v1/policy_pb.js";
import { sleeper } from "../e2e/groups.js";
import { before, enough, groupsPerAccount, step } from "./plan.js";

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

export function groupIds(colo: string, count: number): readonly GroupId[] {
  return Array.from({ length: count }, (_, index) => ({
    account: `${colo}-${Math.floor(index / groupsPerAccount)}`,
    group: `g${index}`,
  }));
}

/** At `before` servers, with a policy that adds `step` while its alert stands. */
export async function createGroup(
  { groups, policies }: MusterClient,
  colo: string,
  { account, group }: GroupId,
): Promise<void> {
  await groups.createGroup({
    parent: accountName(account),
    groupId: group,
    group: {
      displayName: group,
      target: before,
      placements: [{ colo, min: 0, max: 2 * enough }],
      launchConfiguration: { image: "none", flavor: "small", parameters: { command: sleeper } },
    },
  });
  await policies.createPolicy({
    parent: groupName(account, group),
    policyId: "load",
    policy: {
      displayName: "load",
      action: { case: "change", value: step },
      alertRule: { actsOn: AlertState.CRITICAL, repeat: { seconds: 30n } },
    },
  });
}

export async function report(
  { scaling }: MusterClient,
  id: GroupId,
  state: AlertState,
): Promise<void> {
  await scaling.reportAlert({ policy: policyName({ ...id, policy: "load" }), key: "cpu", state });
}

/** Every group of the accounts, by its name. */
export async function standings(
  { groups }: MusterClient,
  ids: readonly GroupId[],
): Promise<ReadonlyMap<string, Standing>> {
  const accounts = [...new Set(ids.map((one) => one.account))];
  const pages = await Promise.all(
    accounts.map((account) => groups.listGroups({ parent: accountName(account) })),
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
