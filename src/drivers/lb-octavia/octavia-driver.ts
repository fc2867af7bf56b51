import { LRUCache } from "lru-cache";
import { OutsideFault, outsideFaultOf } from "../../core/errors/outside-fault.js";
import type { Call } from "../../core/ports/call.js";
import type { DriverHost } from "../../core/ports/driver.js";
import type {
  LoadBalancerDriver,
  LoadBalancerRef,
  MemberChange,
} from "../../core/ports/load-balancer.js";
import type { Openstack } from "../openstack/client.js";
import { memberOf } from "./member-view.js";
import { createOctaviaApi, type OctaviaApi } from "./octavia-api.js";
import { createPatience, type Patience } from "./patience.js";
import { type MemberPut, planChanges } from "./plan-changes.js";
import { createTurns } from "./turns.js";

interface Parts extends Pick<DriverHost, "clock" | "ids"> {
  readonly openstack: Openstack;
}

/** Pools whose load balancer is remembered; it never changes. */
const poolsMax = 10_000;
/** Below the deadline that callers give to changes: what is left is asked for again, at once. */
const changeMsMax = 25_000;
/** What only people can mend is tried again so seldom. */
const inErrorMs = 60_000;

/**
 * Octavia's pools, by the accounts' own credentials: a load balancer's id here is a pool's. All
 * pools of one load balancer share its state, in which it takes one change at a time: changes of
 * one driver take turns, and those that meet another's wait until it is ACTIVE again.
 */
export function createOctaviaDriver({ openstack, clock, ids }: Parts): LoadBalancerDriver {
  const api = createOctaviaApi(openstack);
  const balancers = new LRUCache<string, string>({ max: poolsMax });
  const turns = createTurns();

  async function balancerOf(ref: LoadBalancerRef, call: Call): Promise<string> {
    const known = balancers.get(ref.id);
    if (known !== undefined) return known;
    const balancer = await api.loadBalancerOf(ref, call);
    balancers.set(ref.id, balancer);
    return balancer;
  }

  return {
    capabilities: { checksHealth: true, countsConnections: false },
    async listMembers(ref, call) {
      return (await api.members(ref, call)).map(memberOf);
    },
    async changeMembers(ref, changes, call) {
      const patience = createPatience({ clock, ids, signal: call.signal, msMax: changeMsMax });
      const balancer = await balancerOf(ref, call);
      const sending: Sending = { api, ref, balancer, patience, call };
      const others = `other pools of load balancer ${balancer} are being changed`;
      const waitFor = (before: Promise<void>) => patience.waitFor(before, others);
      await turns.take(balancer, waitFor, () => bringTo(sending, changes));
    },
    close: async () => openstack.close(),
  };
}

interface Sending {
  readonly api: OctaviaApi;
  readonly ref: LoadBalancerRef;
  readonly balancer: string;
  readonly patience: Patience;
  readonly call: Call;
}

/**
 * Looks, and sends what is missing, until nothing was in between. Members are removed one by one:
 * the batch that can remove several removes all that it does not name, whoever put them there since
 * it was written (B5.2). One that is put alone goes without a batch, since that has the same flaw
 * for as long as Octavia thinks about it.
 */
async function bringTo(sending: Sending, changes: readonly MemberChange[]): Promise<void> {
  const { api, ref, call } = sending;
  for (;;) {
    const { puts, removals } = planChanges(changes, await api.members(ref, call));
    const sends = [
      ...(puts.length > 0 ? [() => putAll(sending, puts)] : []),
      ...removals.map((id) => () => api.deleteMember(ref, id, call)),
    ];
    if (await allTaken(sending, sends)) return;
  }
}

async function putAll({ api, ref, call }: Sending, puts: readonly MemberPut[]): Promise<void> {
  const [only, ...more] = puts;
  if (only && more.length === 0) {
    if (only.id === undefined) await api.addMember(ref, only.body, call);
    else await api.updateMember(ref, only.id, only.body, call);
  } else {
    const members = puts.map(({ body }) => body);
    await api.putMembers(ref, members, call);
  }
}

/** False: another's change was in between, so that what is missing may be another by now. */
async function allTaken(
  sending: Sending,
  sends: readonly (() => Promise<void>)[],
): Promise<boolean> {
  for (const send of sends) {
    try {
      await send();
    } catch (error) {
      if (outsideFaultOf(error).kind !== "conflict") throw error;
      await untilActive(sending);
      return false;
    }
    await untilActive(sending);
  }
  return true;
}

/** Waits until the load balancer has done its last change, and takes the next. */
async function untilActive(sending: Sending): Promise<void> {
  const { api, ref, balancer, patience, call } = sending;
  patience.begin();
  for (;;) {
    await patience.pause(`load balancer ${balancer} is busy with a change for long`);
    const status = await api.provisioningStatus(ref, balancer, call);
    if (status === "ACTIVE") return;
    if (status === "ERROR") throw inError(balancer);
  }
}

function inError(balancer: string): OutsideFault {
  const say = `load balancer ${balancer} is in ERROR and takes no changes until it was failed over`;
  return new OutsideFault("conflict", say, { retryAfterMs: inErrorMs });
}
