import { Fault, invalidFields } from "../../src/core/errors/fault.js";
import { cause } from "../../src/core/model/cause.js";
import type { Brake, OperationClass } from "../../src/core/model/colo.js";
import type { AccountId, ColoId, GroupId, ServerId } from "../../src/core/model/ids.js";
import type { Clock } from "../../src/core/ports/clock.js";
import type { CredentialsView } from "../../src/supervisor/access.js";
import type { ColoView, Supervisor } from "../../src/supervisor/api.js";

export function newColos(): Map<string, ColoView> {
  return new Map(["iad", "lon"].map((colo) => [colo, newColo(colo)]));
}

function newColo(colo: string): ColoView {
  return {
    colo: colo as ColoId,
    cloudDriver: "simulated",
    loadBalancerDriver: undefined,
    brakes: [],
    stepsRunning: 0,
    stepsWaiting: 0,
    placements: 0,
    admissions: [],
    switchAgeMs: 0,
  };
}

export function createColos(colos: Map<string, ColoView>, clock: Clock): Supervisor["colos"] {
  const coloOf = (colo: ColoId): ColoView => {
    const view = colos.get(colo);
    if (view) return view;
    throw new Fault("COLO_NOT_FOUND", { say: `colos/${colo} does not exist` });
  };
  const without = (brakes: readonly Brake[], operations: readonly OperationClass[]) =>
    brakes.filter(({ operation }) => !operations.includes(operation));
  const store = (view: ColoView) => {
    colos.set(view.colo, view);
    return view;
  };
  return {
    list: async () => [...colos.values()].toReversed(),
    get: async (colo) => coloOf(colo),
    async setBrake({ colo, operations, reason, durationMs }, { principal }) {
      const view = coloOf(colo);
      const sinceMs = clock.nowMs();
      const expiry = durationMs === undefined ? {} : { expiresAtMs: sinceMs + durationMs };
      const brakes = operations.map((operation) => ({
        operation,
        reason,
        principal,
        sinceMs,
        ...expiry,
      }));
      return store({ ...view, brakes: [...without(view.brakes, operations), ...brakes] });
    },
    async quarantine({ colo }) {
      return { placements: coloOf(colo).placements };
    },
    backUp: async () => ({ file: "backups/state.db", placements: 3 }),
    async clearBrake({ colo, operations }) {
      const view = coloOf(colo);
      return store({ ...view, brakes: without(view.brakes, operations) });
    },
    async *audit({ colo, account = "acme" as AccountId }) {
      coloOf(colo);
      const why = cause("B4.3", "NOT_LISTED", { server: "s1" });
      const server = "s1" as ServerId;
      yield {
        differences: [
          {
            ...{ account, group: "web" as GroupId, kind: "missingInCloud", server, cause: why },
            ...{ action: "replace", sinceMs: 1_000, untilMs: 2_000, stoppedBy: why },
          },
        ],
      };
      const none = { accounts: 1, groups: 1, ledgerServers: 1, cloudServers: 0, members: 0 };
      yield { differences: [], counts: { ...none, differences: 1, notSeen: 0 } };
    },
    async repin({ colo, account, isForced }) {
      coloOf(colo);
      if (isForced) return { project: `new-${account}`, before: "given-up" };
      return { project: `new-${account}`, before: `old-${account}` };
    },
  };
}

/** Keeps no secret: what it is given is to be found nowhere. */
export function createAccess(clock: Clock): Supervisor["access"] {
  const views = new Map<string, CredentialsView>();
  const textOf = (ref: { account: AccountId; colo: ColoId }) => `${ref.account}/${ref.colo}`;
  const viewOf = (ref: { account: AccountId; colo: ColoId }) => {
    const view = views.get(textOf(ref));
    if (view) return view;
    throw new Fault("CREDENTIALS_NOT_FOUND", { say: "none in the memory" });
  };
  return {
    async setCredentials({ account, colo, secret }, { principal }) {
      if (secret["password"] === undefined)
        throw invalidFields([{ field: "secret.password", description: "is required" }]);
      const facts = { revision: `r${views.size}`, setAtMs: clock.nowMs(), setBy: principal };
      const view = { account, colo, ...facts, key: "k1" };
      views.set(textOf(view), view);
      return view;
    },
    getCredentials: async (ref) => viewOf(ref),
    listCredentials: async (account) =>
      [...views.values()].filter((one) => one.account === account),
    async deleteCredentials(ref) {
      viewOf(ref);
      views.delete(textOf(ref));
    },
  };
}
