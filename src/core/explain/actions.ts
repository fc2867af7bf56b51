import type { Cause } from "../model/cause.js";
import type { PlannedAction, PlannedActionKind } from "../model/group-plan.js";
import type { ServerId } from "../model/ids.js";
import type { Observation, Step } from "../model/observation.js";
import type { Plan } from "../model/plan.js";
import type { ServerRow } from "../model/server.js";

/** What a plan would do, one by one, in the order in which a turn does it. */
export function actionsOf(seen: Observation, plan: Plan): readonly PlannedAction[] {
  const before = new Map(seen.rows.map((row) => [row.id, row]));
  const causesOf = new Map<ServerId, readonly Cause[]>();
  for (const { server, causes } of plan.events)
    if (server !== undefined && causes.length > 0) causesOf.set(server, causes);
  const of = (server: ServerId) => {
    const leaving = plan.rows.find((row) => row.id === server)?.leaving;
    return causesOf.get(server) ?? (leaving ? [leaving] : []);
  };
  const creates: readonly PlannedAction[] =
    plan.creates === 0
      ? []
      : [
          {
            kind: "create",
            count: plan.creates,
            causes: plan.createCause ? [plan.createCause] : [],
          },
        ];
  return [
    ...plan.lookUps.map((cloudId) => ({ ...one("lookUp"), address: cloudId })),
    ...plan.rows.flatMap((row) => rowActions(before.get(row.id), row, of(row.id))),
    ...creates,
    ...plan.withdraw.map((server) => ({ ...one("withdraw", of(server)), server })),
    ...plan.steps.flatMap((step) => stepActions(step, of)),
  ];
}

function one(kind: PlannedActionKind, causes: readonly Cause[] = []): PlannedAction {
  return { kind, count: 1, causes };
}

function rowActions(
  before: ServerRow | undefined,
  after: ServerRow,
  causes: readonly Cause[],
): readonly PlannedAction[] {
  if (before?.state === after.state) return [];
  const server = after.id;
  switch (after.state) {
    case "draining":
      return [{ ...one("drain", causes), server }];
    case "deleting":
      return [{ ...one("leave", causes), server }];
    case "inService":
      return [{ ...one(before?.state === "draining" ? "return" : "note", causes), server }];
    default:
      return [{ ...one("note", causes), server }];
  }
}

function stepActions(
  step: Step,
  causesOf: (server: ServerId) => readonly Cause[],
): readonly PlannedAction[] {
  switch (step.kind) {
    case "delete":
      return [{ ...one("delete", causesOf(step.server)), server: step.server }];
    case "deleteOrphan":
      return [{ ...one("delete"), address: step.cloudId }];
    case "findIntention":
      return [{ ...one("lookUp"), server: step.server }];
    case "tag":
    case "untag":
      return [{ ...one("tag"), server: step.server }];
    case "changeMembers":
      return step.changes.map(({ server, kind, host, port, draining }) => ({
        ...one(kind === "remove" ? "removeMember" : draining ? "drainMember" : "putMember"),
        ...{ server, loadBalancer: step.loadBalancer, address: `${host}:${port}` },
      }));
    default:
      return step satisfies never;
  }
}
