import { isFault } from "../../src/core/errors/fault.js";
import type {
  AccountId,
  ColoId,
  GroupId,
  GroupKey,
  LoadBalancerId,
  PolicyId,
  ScheduleId,
} from "../../src/core/model/ids.js";
import type { Receipt, ScaleAsk } from "../../src/core/model/scale-event.js";
import type { Caller, GroupSpec, SubmitScaleEvent } from "../../src/supervisor/api.js";
import type { Cluster, Node } from "./cluster.js";
import type { Nodes } from "./nodes.js";
import type { Oracle } from "./oracle/oracle.js";
import { type GroupPlan, nameOf, type OperatorAction, type TenantAction } from "./scenario.js";
import { dropSchedules, putSchedule } from "./schedules.js";
import { actionsOf, policySpec, specOf } from "./specs.js";

/** Those who call: they ask some node, give up after a while, and remember what they were told. */
export interface Tenants {
  /** Makes all groups; settles when every one was answered. */
  begin(): Promise<void>;
  ask(action: TenantAction): void;
  operate(action: OperatorAction): void;
  /** Asks once more for all that was asked for with a request id, and compares the answers (I6). */
  askAgain(): Promise<void>;
  /** Resumes groups, reports every alert as over, lifts brakes. */
  putRight(): Promise<void>;
}

interface Asked {
  readonly request: SubmitScaleEvent & { readonly requestId: string };
  readonly principal: string;
  /** Of the group that was meant. */
  readonly uid: string | undefined;
  receipt?: Receipt;
}

const patienceMs = 30_000;
const againMs = 2_000;
const triesMax = 60;

export function createTenants(of: {
  readonly cluster: Cluster;
  readonly nodes: Nodes;
  readonly oracle: Oracle;
  readonly plans: readonly GroupPlan[];
  readonly say: (who: string, what: string) => void;
}): Tenants {
  const { cluster, nodes, oracle, say } = of;
  const { clock } = cluster;
  const plans = new Map(of.plans.map((plan) => [nameOf(plan), plan]));
  const asked: Asked[] = [];
  let serial = 0;

  const keyOf = ({ account, group }: GroupPlan): GroupKey => ({
    account: account as AccountId,
    group: group as GroupId,
  });

  /** One call, until it is answered or the caller's patience ends. */
  function call<Value>(
    principal: string,
    make: (caller: Caller) => Promise<Value>,
  ): Promise<Value> {
    return new Promise((resolve, reject) => {
      const controller = new AbortController();
      const timer = clock.after(patienceMs, () => {
        controller.abort();
        reject(new Error("no answer"));
      });
      make({ principal, signal: controller.signal }).then(
        (value) => {
          timer.cancel();
          resolve(value);
        },
        (error: unknown) => {
          timer.cancel();
          reject(error);
        },
      );
    });
  }

  const nodeFor = (via: number): Node | undefined => {
    const up = nodes.up();
    return up[via % Math.max(1, up.length)];
  };

  /** Asks whichever node is up, again and again, until one answers. */
  async function insist<Value>(
    what: string,
    make: (node: Node, caller: Caller) => Promise<Value>,
  ): Promise<Value | undefined> {
    for (let tries = 1; tries <= triesMax; tries++) {
      const node = nodeFor(tries);
      try {
        if (node) return await call(what, (caller) => make(node, caller));
      } catch (error) {
        const text = String(error);
        if (/GROUP_EXISTS|GROUP_NOT_FOUND|there is (a|no) group|being deleted/.test(text))
          return undefined;
        if (tries === triesMax) throw new Error(`${what}: ${text}`, { cause: error });
      }
      await new Promise<void>((resolve) => void clock.after(againMs, resolve));
    }
    return undefined;
  }

  async function create(plan: GroupPlan): Promise<void> {
    const key = keyOf(plan);
    const { target } = plan;
    const request = { ...key, spec: specOf(plan), target, requestId: `make-${++serial}` };
    await insist(`make ${nameOf(plan)}`, (node, caller) =>
      node.supervisor.groups.create(
        { ...request, validateOnly: false, allowUnverified: true },
        caller,
      ),
    );
    for (const [policy, action] of actionsOf(plan))
      await insist(`policy ${nameOf(plan)}`, async ({ supervisor }, caller) => {
        try {
          const spec = policySpec(action);
          await supervisor.policies.create({ key, policy: policy as PolicyId, spec }, caller);
        } catch (error) {
          if (!String(error).includes("there is a policy")) throw error;
        }
      });
  }

  function submit(plan: GroupPlan, ask: ScaleAsk, action: TenantAction): void {
    const key = keyOf(plan);
    const requestId = `r${++serial}`;
    const source = ask.kind === "alert" ? ("alert" as const) : ("manual" as const);
    const force =
      action.kind === "force" ? { force: { reason: "why", durationMs: action.forMs } } : {};
    const uid = oracle.ledgers.groups.get(nameOf(plan))?.uid;
    const principal = `asker-${requestId}`;
    const one: Asked = { request: { key, source, ask, requestId, ...force }, principal, uid };
    asked.push(one);
    const times = "twice" in action && action.twice ? 2 : 1;
    for (let nth = 0; nth < times; nth++) {
      const node = nodeFor(action.via + nth);
      if (!node) continue;
      call(principal, (caller) => node.supervisor.scaling.submit(one.request, caller)).then(
        (receipt) => heard(one, receipt, nameOf(plan)),
        (error: unknown) => say(principal, `was told: ${String(error)}`),
      );
    }
  }

  const isThere = (colo: string, balancer: string) =>
    cluster.balancers.get(colo)?.has(balancer as LoadBalancerId) ?? false;

  function hasGoneBalancer({ placements }: GroupPlan): boolean {
    return placements.some(({ colo, balancers }) => !balancers.every((one) => isThere(colo, one)));
  }

  /** A load balancer that is gone keeps new servers from service until it is taken off (B5.5). */
  async function detach(key: GroupKey): Promise<void> {
    const change = (spec: GroupSpec): GroupSpec => ({
      ...spec,
      placements: spec.placements.map((one) => ({
        ...one,
        attachments: one.attachments.filter(({ loadBalancer }) => isThere(one.colo, loadBalancer)),
      })),
    });
    await insist("detach", ({ supervisor }, caller) =>
      supervisor.groups.update({ key, change, validateOnly: false, allowUnverified: true }, caller),
    );
  }

  /** I6: whoever asks for the same again hears the same again. */
  function heard(one: Asked, receipt: Receipt, group: string): void {
    const { outcome, oldTarget, newTarget } = receipt;
    say(one.principal, `was told: ${outcome}, target ${oldTarget} → ${newTarget}`);
    oracle.answered(receipt);
    const before = one.receipt;
    one.receipt = receipt;
    if (!before || JSON.stringify(before) === JSON.stringify(receipt)) return;
    // Colos that were apart could not know of each other's decisions (decision 0020).
    if (oracle.decidedIn(before.eventId) !== oracle.decidedIn(receipt.eventId)) return;
    const facts = { group, request: one.request.requestId, first: before.eventId };
    const key = `${one.principal}/another receipt`;
    oracle.note({ id: "I6", rule: "B3.1", key, facts: { ...facts, next: receipt.eventId } });
  }

  function rowsOf(plan: GroupPlan) {
    return plan.placements.flatMap(({ colo }) => {
      const ledger = oracle.ledgers.placements.get(`${nameOf(plan)}/${colo}`);
      return [...(ledger?.servers.values() ?? [])].map((row) => row.id);
    });
  }

  function manage(plan: GroupPlan, action: TenantAction): void {
    const node = nodeFor(action.via);
    if (!node) return;
    const { groups, servers, schedules } = node.supervisor;
    const key = keyOf(plan);
    const who = `manager-${++serial}`;
    const make = (): ((caller: Caller) => Promise<unknown>) | undefined => {
      const ids = rowsOf(plan);
      const edit = (change: (spec: GroupSpec) => GroupSpec) => (caller: Caller) =>
        groups.update({ key, change, validateOnly: false, allowUnverified: true }, caller);
      switch (action.kind) {
        case "limits": {
          const { min, max } = action;
          return edit((spec) => ({
            ...spec,
            placements: spec.placements.map((one) => ({ ...one, min, max })),
          }));
        }
        case "moveMax":
          return edit((spec) => ({ ...spec, placements: moved(spec.placements, action) }));
        case "launch":
          return edit((spec) => ({ ...spec, launch: { ...spec.launch, image: action.image } }));
        case "rebuild":
          return async (caller) => {
            const { image, options } = action;
            await edit((spec) => ({ ...spec, launch: { ...spec.launch, image } }))(caller);
            return groups.rebuild({ key, word: { kind: "start", options } }, caller);
          };
        case "rebuildWord":
          return (caller) => groups.rebuild({ key, word: { kind: action.word } }, caller);
        case "pause":
          return (caller) => groups.pause(key, "why", caller, action.processes);
        case "resume":
          return (caller) => groups.resume(key, caller, action.processes);
        case "protect": {
          const server = ids[action.nth % Math.max(1, ids.length)];
          const { protect } = action;
          return server && ((caller) => servers.protect({ key, server, protect }, caller));
        }
        case "standBy": {
          const server = ids[action.nth % Math.max(1, ids.length)];
          const { standBy, replace } = action;
          return server && ((caller) => servers.standBy({ key, server, standBy, replace }, caller));
        }
        case "deleteServer": {
          const server = ids[action.nth % Math.max(1, ids.length)];
          const { replace } = action;
          return server && ((caller) => servers.delete({ key, server, replace }, caller));
        }
        case "schedule":
          return putSchedule(schedules, key, action);
        case "unschedule": {
          const schedule = action.id as ScheduleId;
          return (caller) => schedules.delete({ key, schedule }, caller);
        }
        case "deleteGroup":
          return (caller) => groups.delete({ key, force: action.force }, caller);
        default:
          return undefined;
      }
    };
    const made = make();
    if (!made) return;
    call(who, made).then(
      () => say(who, "was told: done"),
      (error: unknown) => {
        say(who, `was told: ${String(error)}`);
        // Some colos may have begun to wait for one that did not take the order: only asking again
        // ends that.
        if (action.kind === "rebuild" && !isKept(error))
          insist(who, async ({ supervisor }, caller) => {
            const word = { kind: "start", options: action.options } as const;
            await supervisor.groups.rebuild({ key, word }, caller).catch((last: unknown) => {
              if (!isKept(last)) throw last;
            });
          }).catch((last: unknown) => say(who, `gave up: ${String(last)}`));
      },
    );
  }

  return {
    async begin() {
      await Promise.all([...plans.values()].map(create));
    },
    ask(action) {
      const plan = plans.get(action.group);
      if (!plan) return;
      switch (action.kind) {
        case "target":
        case "force":
          submit(plan, { kind: "target", target: action.target }, action);
          return;
        case "change":
          submit(plan, { kind: "change", change: action.change }, action);
          return;
        case "policy":
          submit(plan, { kind: "policy", policy: action.policy as PolicyId }, action);
          return;
        case "alert": {
          const { state, key, value } = action;
          submit(plan, { kind: "alert", policy: "up" as PolicyId, key, state, value }, action);
          return;
        }
        case "metric": {
          const { value, key } = action;
          const measured = value === undefined ? {} : { value };
          const about = { policy: "cpu" as PolicyId, key, state: "ok", ...measured } as const;
          submit(plan, { kind: "alert", ...about }, action);
          return;
        }
        case "createGroup":
          create(plan).catch((error: unknown) => say("tenant", `no group: ${String(error)}`));
          return;
        default:
          manage(plan, action);
      }
    },
    operate(action) {
      const node = nodeFor(action.via);
      if (!node) return;
      const colo = action.colo as ColoId;
      const { colos } = node.supervisor;
      const who = `operator-${++serial}`;
      const done =
        action.kind === "unbrake"
          ? call(who, (caller) => colos.clearBrake({ colo, operations: [] }, caller))
          : call(who, (caller) => {
              const { operations, forMs: durationMs } = action;
              return colos.setBrake({ colo, operations, reason: "why", durationMs }, caller);
            });
      done.then(
        () => say(who, "was told: done"),
        (error: unknown) => say(who, `was told: ${String(error)}`),
      );
    },
    async askAgain() {
      for (const one of asked) {
        const { key } = one.request;
        const name = `${key.account}/${key.group}`;
        const standing = oracle.ledgers.groups.get(name);
        if (!one.uid || standing?.uid !== one.uid || standing.deleting) continue;
        const receipt = await insist(one.principal, ({ supervisor }, { signal }) =>
          supervisor.scaling.submit(one.request, { principal: one.principal, signal }),
        );
        if (receipt) heard(one, receipt, name);
      }
    },
    async putRight() {
      for (const colo of cluster.clouds.keys())
        await insist("unbrake", ({ supervisor }, caller) =>
          supervisor.colos.clearBrake({ colo: colo as ColoId, operations: [] }, caller),
        );
      for (const plan of plans.values()) {
        const key = keyOf(plan);
        if (hasGoneBalancer(plan)) await detach(key);
        await insist("no schedules", ({ supervisor }, caller) =>
          dropSchedules(supervisor.schedules, key, caller),
        );
        await insist("resume", ({ supervisor }, caller) => supervisor.groups.resume(key, caller));
        for (const alertKey of ["cpu", "disk"])
          await insist("all is well", ({ supervisor }, caller) =>
            supervisor.scaling.submit(
              {
                ...{ key, source: "alert" },
                ask: { kind: "alert", policy: "up" as PolicyId, key: alertKey, state: "ok" },
              },
              caller,
            ),
          );
      }
    },
  };
}

function moved(
  placements: GroupSpec["placements"],
  { nth, servers }: { readonly nth: number; readonly servers: number },
): GroupSpec["placements"] {
  const from = placements[nth % placements.length]!;
  const to = placements[(nth + 1) % placements.length]!;
  const count = Math.min(servers, from.max);
  return placements.map((one) => {
    if (one === from)
      return { ...one, min: Math.min(one.min, one.max - count), max: one.max - count };
    return one === to ? { ...one, max: one.max + count } : one;
  });
}

/** Who cannot be reached hears of it all the same. */
function isKept(error: unknown): boolean {
  return isFault(error, "COLO_UNREACHABLE");
}
