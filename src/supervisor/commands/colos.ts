import { Fault, isFault } from "../../core/errors/fault.js";
import { type Brake, operationClasses } from "../../core/model/colo.js";
import type { ColoId, GroupKey, PlacementKey } from "../../core/model/ids.js";
import type { ColoAdmission, ColoUseCases, ColoView } from "../api.js";
import type { Api } from "../colo/admission.js";
import type { Colo } from "../colo/colo.js";
import type { Context } from "../context.js";
import { eyesOf } from "../converge/observe.js";
import { joinSignals } from "../join-signals.js";
import { placementIndex } from "../placements/hints.js";
import { auditColo } from "./audit-colo.js";
import { quarantineColo } from "./quarantine.js";
import { repinAccount } from "./repin-account.js";

const countedMax = 100_000;

export function createColoUseCases(context: Context): Omit<ColoUseCases, "backUp"> {
  const moves = context.meter.counter({
    name: "muster_brake_changes_total",
    help: "Brakes set and cleared by callers of this node.",
    labels: ["colo", "operation", "change"],
  });
  const coloOf = (id: ColoId): Colo => {
    const colo = context.colos.get(id);
    if (colo) return colo;
    throw new Fault("COLO_NOT_FOUND", { say: `there is no colo ${id}` });
  };

  async function view(colo: Colo, signal: AbortSignal): Promise<ColoView> {
    const { setup, queue, brakes } = colo;
    const page = { index: placementIndex(colo.id), afterKey: "", hintsMax: countedMax };
    // Asked most when things go wrong: the rest is told without the store, too.
    const placements = await context.store.listHints(page, { signal }).catch((error: unknown) => {
      if (isFault(error, "STORE_UNAVAILABLE")) return [];
      throw error;
    });
    return {
      colo: colo.id,
      cloudDriver: setup.cloudName,
      loadBalancerDriver: setup.loadBalancerName,
      brakes: brakes.inForce(),
      stepsRunning: queue.running,
      stepsWaiting: queue.waiting,
      placements: placements.length,
      admissions: [admissionOf(colo, "cloud"), admissionOf(colo, "loadBalancer")],
      switchAgeMs: brakes.ageMs(),
    };
  }

  function admissionOf({ admissions, queue }: Colo, api: Api): ColoAdmission {
    const view = admissions[api].view();
    const { byClass, placements } = queue.waitingOf(api);
    const waiting = {
      read: view.waiting.read + byClass.read,
      delete: view.waiting.delete + byClass.delete,
      urgent: view.waiting.urgent + byClass.urgent,
      change: view.waiting.change + byClass.change,
    };
    return { ...view, waiting, waitingPlacements: placements };
  }

  return {
    list: ({ signal }) =>
      Promise.all(
        [...context.colos.values()]
          .toSorted((a, b) => (a.id < b.id ? -1 : 1))
          .map((colo) => view(colo, signal)),
      ),
    get: async (id, { signal }) => view(coloOf(id), signal),
    async setBrake({ colo: id, operations, reason, durationMs }, { principal, signal }) {
      const colo = coloOf(id);
      const sinceMs = context.clock.nowMs();
      const until = durationMs === undefined ? {} : { expiresAtMs: sinceMs + durationMs };
      const added = operations.map(
        (operation): Brake => ({
          operation,
          reason,
          principal,
          sinceMs,
          source: "operator",
          ...until,
        }),
      );
      await colo.brakes.set(added);
      context.log.warn({ colo: id, operations, reason, principal }, "brake set");
      for (const operation of operations) moves.add({ colo: id, operation, change: "set" });
      return view(colo, signal);
    },
    async quarantine({ colo, reason }, caller) {
      const { id } = coloOf(colo);
      const { principal } = caller;
      const placements = await quarantineColo(context, { colo: id, reason }, caller);
      context.log.warn({ colo: id, reason, principal, placements }, "colo put in quarantine");
      return { placements };
    },
    async clearBrake({ colo: id, operations }, { principal, signal }) {
      const colo = coloOf(id);
      const cleared = operations.length === 0 ? operationClasses : operations;
      await colo.brakes.clear(cleared);
      context.log.warn({ colo: id, operations: cleared, principal }, "brake cleared");
      for (const operation of cleared) moves.add({ colo: id, operation, change: "cleared" });
      return view(colo, signal);
    },
    async *audit({ colo: id, account }, caller) {
      const colo = coloOf(id);
      const both = joinSignals(context.signal, caller.signal);
      try {
        const { clock, installation, store, groups, placements } = context;
        const deps = {
          ...{ clock, installation, account, signal: both.signal, eyes: eyesOf(colo) },
          listHints: store.listHints,
          groupOf: async (key: GroupKey) => (await groups.get(key, both.signal)).group,
          stateOf: (key: PlacementKey) => placements.open(key).state(both.signal),
          brakes: () => colo.brakes.inForce(),
        };
        yield* auditColo(deps);
      } finally {
        both.release();
      }
    },
    async repin(request, caller) {
      const { colo: id, account } = request;
      const colo = coloOf(id);
      const { project, before } = await repinAccount(context, colo, request, caller);
      if (project === undefined)
        throw new Fault("UNSUPPORTED", { say: `the cloud of ${id} has no projects` });
      colo.servers.forget(account);
      return { project, before };
    },
  };
}
