import {
  checkCreate,
  checkDelete,
  checkGate,
  checkPause,
  checkTags,
} from "../../core/invariants/check-call.js";
import type { Violation } from "../../core/invariants/violation.js";
import type { OperationClass } from "../../core/model/colo.js";
import type {
  AccountId,
  CloudServerId,
  ColoId,
  GroupId,
  PlacementKey,
  ServerId,
} from "../../core/model/ids.js";
import type { CloudServer, Ownership } from "../../core/model/server.js";
import type { Call } from "../../core/ports/call.js";
import type { Clock } from "../../core/ports/clock.js";
import type { TagServer } from "../../core/ports/cloud.js";
import type { Admission, Api } from "../colo/admission.js";
import type { Brakes } from "../colo/brakes.js";
import type { Drivers } from "../colo/outside.js";
import type { PlacementBook } from "../placements/placement-book.js";
import { createRecent } from "../recent.js";
import { createAllowanceWatch } from "./allowance.js";
import type { Where } from "./findings.js";

/** What the monitor is told of a colo. */
export interface WatchedColo {
  readonly drivers: Drivers;
  readonly colo: ColoId;
  readonly brakes: Pick<Brakes, "inForce" | "ageMs">;
  /** Undefined: calls are not held back, and not counted. */
  readonly admissions: Readonly<Record<Api, Pick<Admission, "view">>> | undefined;
}

export interface WatchedDeps extends WatchedColo {
  readonly clock: Clock;
  readonly installation: string;
  /** The life that makes the calls. */
  readonly attemptId: string;
  readonly peek: PlacementBook["peek"];
  readonly report: (found: readonly Violation[], where: Where) => void;
  /** Called for every call that changes something. */
  readonly checked: () => void;
  /** The cloud itself says that there is no such server. */
  readonly denied: (account: AccountId, cloudId: CloudServerId) => void;
}

/** Calls for intentions and looks at servers that are remembered: minutes of the busiest colo. */
const createsMax = 50_000;
const looksMax = 5_000;

/**
 * The colo's drivers, every change held against the promises at the very moment it begins (I1, I2,
 * I5, I8, I11), and every call against the allowance (I9): behind the gate and everything else, so
 * that what goes around those is seen too. It only looks; stopping is the brakes' business.
 */
export function watchDrivers(deps: WatchedDeps): Drivers {
  const { drivers, colo, clock, attemptId, installation, peek, report } = deps;
  const { cloud, loadBalancer } = drivers;
  const creates = createRecent<string, number>(createsMax);
  const looks = createRecent<string, Look>(looksMax);

  const gateSeen = (operation: OperationClass) => {
    deps.checked();
    const brake = deps.brakes.inForce().find((one) => one.operation === operation);
    const switchAgeMs = deps.brakes.ageMs();
    const key = brake
      ? `${brake.sinceMs}`
      : `read ${Math.floor(clock.monotonicMs() - switchAgeMs)}`;
    const brakedForMs = brake ? clock.nowMs() - brake.sinceMs : undefined;
    return checkGate({ operation, key, brakedForMs, switchAgeMs });
  };

  function beganCreate(ownership: Ownership): void {
    const key = placementOf(ownership);
    const server = ownership.server as ServerId;
    const ledger = peek(key);
    const callsBefore = creates.get(server) ?? 0;
    creates.set(server, callsBefore + 1);
    const found = [
      ...gateSeen("create"),
      ...checkPause(ledger?.doc, "create", ledger?.servers.get(server)),
      ...checkCreate({ server, ledger, callsBefore, attemptId }),
    ];
    if (found.length > 0) report(found, { colo, key });
  }

  function beganDelete(cloudId: string): void {
    const look = looks.get(cloudId);
    const key = look?.server.ownership && placementOf(look.server.ownership);
    const ledger = key && peek(key);
    const told = look && { server: look.server, agoMs: clock.monotonicMs() - look.atMs };
    const row = ledger?.servers.get(look?.server.ownership?.server as ServerId);
    const found = [
      ...gateSeen("delete"),
      ...checkPause(ledger?.doc, "delete", row),
      ...checkDelete({ cloudId, installation, told, ledger }),
    ];
    if (found.length > 0) report(found, { colo, key });
  }

  function beganTag({ id: cloudId, account, ownership: wanted }: TagServer): void {
    deps.checked();
    const look = looks.get(cloudId);
    const named = wanted ?? look?.server.ownership;
    const key = named && placementOf(named);
    const ledger = key && peek(key);
    const told = look && { server: look.server, agoMs: clock.monotonicMs() - look.atMs };
    const found = [
      ...checkPause(ledger?.doc, "tag"),
      ...checkTags({ cloudId, account, wanted, installation, told, ledger }),
    ];
    if (found.length > 0) report(found, { colo, key });
  }

  const ofCloud = createAllowanceWatch({
    ...{ api: "cloud", admission: deps.admissions?.cloud, clock },
    report: (found) => report(found, { colo }),
  });
  const ofBalancers = createAllowanceWatch({
    ...{ api: "loadBalancer", admission: deps.admissions?.loadBalancer, clock },
    report: (found) => report(found, { colo }),
  });
  /** A look that is one too many: creates are what a cloud can best do without. */
  const look = (operation: string, { signal }: Call) =>
    ({ operation, stops: "create", signal }) as const;
  const change = (operation: string, stops: OperationClass, { signal }: Call) =>
    ({ operation, stops, signal }) as const;

  return {
    cloud: {
      capabilities: cloud.capabilities,
      project: (account, call) =>
        ofCloud.through(look("project", call), () => cloud.project(account, call)),
      createServer(request, call) {
        beganCreate(request.ownership);
        const one = change("createServer", "create", call);
        return ofCloud.through(one, () => cloud.createServer(request, call));
      },
      deleteServer(request, call) {
        beganDelete(request.id);
        const one = change("deleteServer", "delete", call);
        return ofCloud.through(one, () => cloud.deleteServer(request, call));
      },
      async getServer(request, call) {
        const one = look("getServer", call);
        const server = await ofCloud.through(one, () => cloud.getServer(request, call));
        if (server) looks.set(server.id, { server, atMs: clock.monotonicMs() });
        else deps.denied(request.account as AccountId, request.id);
        return server;
      },
      listServers: (request, call) =>
        ofCloud.through(look("listServers", call), () => cloud.listServers(request, call)),
      findByIntention: (request, call) =>
        ofCloud.through(look("findByIntention", call), () => cloud.findByIntention(request, call)),
      tagServer(request, call) {
        beganTag(request);
        const one = change("tagServer", "delete", call);
        return ofCloud.through(one, () => cloud.tagServer(request, call));
      },
      checkLaunch: (request, call) =>
        ofCloud.through(look("checkLaunch", call), () => cloud.checkLaunch(request, call)),
      ...(cloud.quota && {
        quota: (request, call) =>
          ofCloud.through(look("quota", call), () => cloud.quota!(request, call)),
      }),
      ...(cloud.consoleTail && {
        consoleTail: (request, call) =>
          ofCloud.through(look("consoleTail", call), () => cloud.consoleTail!(request, call)),
      }),
      close: () => cloud.close(),
    },
    ...(loadBalancer && {
      loadBalancer: {
        capabilities: loadBalancer.capabilities,
        listMembers: (ref, call) =>
          ofBalancers.through(look("listMembers", call), () => loadBalancer.listMembers(ref, call)),
        changeMembers(ref, changes, call) {
          const found = gateSeen("loadBalancer");
          if (found.length > 0) report(found, { colo });
          const one = change("changeMembers", "loadBalancer", call);
          return ofBalancers.through(one, () => loadBalancer.changeMembers(ref, changes, call));
        },
        close: () => loadBalancer.close(),
      },
    }),
  };
}

interface Look {
  readonly server: CloudServer;
  readonly atMs: number;
}

function placementOf({ account, group, colo }: Ownership): PlacementKey {
  return { account: account as AccountId, group: group as GroupId, colo: colo as ColoId };
}
