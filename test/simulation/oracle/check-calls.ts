import { checkCreate, checkDelete } from "../../../src/core/invariants/check-call.js";
import { type Ledger, partOf } from "../../../src/core/invariants/ledger.js";
import { type Violation, violation } from "../../../src/core/invariants/violation.js";
import type { OperationClass } from "../../../src/core/model/colo.js";
import type { CloudServerId, LoadBalancerId, ServerId } from "../../../src/core/model/ids.js";
import type { ServerRow } from "../../../src/core/model/server.js";
import { type Cluster, installation } from "../cluster.js";
import type { OutsideCall } from "../taps.js";
import type { OracleOptions } from "./finding.js";
import type { Ledgers } from "./ledgers.js";

/** B9.1: all nodes within a second; a pause reaches the node at work a little later. */
const switchMs = 1_000;
const pauseMs = 5_000;

/** Promises about calls, as they begin: I1, I2, I5, I8 and I11. */
export function createCallChecks(of: {
  readonly cluster: Cluster;
  readonly ledgers: Ledgers;
  readonly options: OracleOptions;
}) {
  const { cluster, ledgers, options } = of;
  const { clock } = cluster;
  const isWell = options.isWell ?? (() => true);
  const skewMs = options.skewMs ?? 0;
  /** By intention. */
  const creates = new Map<string, number>();

  /** I8, by when the switch was thrown, whoever knew of it. */
  function checkGate(
    call: OutsideCall,
    operation: OperationClass,
    ledger: Ledger | undefined,
    row?: ServerRow,
  ) {
    const found: Violation[] = [];
    const nowMs = clock.nowMs();
    for (const brake of ledgers.brakes.get(call.colo) ?? []) {
      const over = brake.expiresAtMs !== undefined && nowMs >= brake.expiresAtMs - 2 * skewMs;
      const forMs = nowMs - brake.thrownAtMs;
      if (brake.operation !== operation || over || forMs <= switchMs) continue;
      // Only creates stop by themselves where the switch cannot be read.
      if (operation !== "create" && !isWell(call.node)) continue;
      const facts = { operation, node: call.node, forMs };
      found.push(violation("I8", "B9.1", `${call.colo}/${operation}/${brake.thrownAtMs}`, facts));
    }
    for (const name of ledger ? pausesFor(operation, ledger, row) : []) {
      const sinceMs = ledgers.pausedSinceMs.get(name);
      if (sinceMs === undefined || nowMs - sinceMs <= pauseMs || !isWell(call.node)) continue;
      const facts = { operation, node: call.node, pausedForMs: nowMs - sinceMs };
      found.push(violation("I8", "B8.3", `${name}/${sinceMs}`, facts));
    }
    return found;
  }

  function ledgerOf(server: string): Ledger | undefined {
    for (const ledger of ledgers.placements.values())
      if (ledger.servers.has(server as ServerId)) return ledger;
    return undefined;
  }

  function checkMembers(call: Extract<OutsideCall, { kind: "members" }>): Violation[] {
    const found: Violation[] = [];
    const serving = new Set<string>();
    const recorded = new Set<string>();
    for (const { key, servers } of ledgers.placements.values()) {
      if (key.colo !== call.colo) continue;
      for (const { memberships, state } of servers.values())
        for (const one of memberships) {
          if (one.loadBalancer !== (call.loadBalancer as LoadBalancerId)) continue;
          const address = `${one.host}:${one.port}`;
          // In the ledger of the account as which it is called: nobody changes another's (M9.4).
          if (key.account === call.account) recorded.add(address);
          if (state === "inService" && one.state === "member") serving.add(address);
        }
    }
    for (const change of call.changes) {
      const address = `${change.host}:${change.port}`;
      const facts = { address, loadBalancer: call.loadBalancer, change: change.kind };
      if (!recorded.has(address))
        found.push(violation("I11", "B5.2", `${call.colo}/${address}/unrecorded`, facts));
      if (change.kind === "remove" && serving.has(address) && !leaves(address, call))
        found.push(violation("I11", "B5.2", `${call.colo}/${address}/in service`, facts));
    }
    return found;
  }

  /** Whether a row that has the address gives it up: a member that moves to another port. */
  function leaves(address: string, call: Extract<OutsideCall, { kind: "members" }>): boolean {
    for (const { key, servers } of ledgers.placements.values()) {
      if (key.colo !== call.colo) continue;
      for (const { memberships, state } of servers.values())
        for (const one of memberships)
          if (`${one.host}:${one.port}` === address && one.state === "removing")
            if (!["deleting", "draining", "standingBy"].includes(state)) return true;
    }
    return false;
  }

  return {
    called(call: OutsideCall): Violation[] {
      switch (call.kind) {
        case "create": {
          const server = call.server as ServerId;
          const ledger = ledgerOf(server);
          const callsBefore = creates.get(server) ?? 0;
          creates.set(server, callsBefore + 1);
          const attemptId = ledger?.servers.get(server)?.attempt.id ?? "";
          return [
            ...checkCreate({ server, ledger, callsBefore, attemptId }),
            ...checkGate(call, "create", ledger, ledger?.servers.get(server)),
          ];
        }
        case "delete": {
          const server = cluster.clouds.get(call.colo)?.server(call.cloudId as CloudServerId);
          if (!server) return []; // It is gone already: nothing that can be harmed.
          const { ownership } = server;
          const ledger =
            ownership &&
            ledgers.placements.get(`${ownership.account}/${ownership.group}/${ownership.colo}`);
          const { cloudId } = call;
          const row = ledger?.servers.get(ownership?.server as ServerId);
          const told = { server, agoMs: 0 };
          return [
            ...checkDelete({ cloudId, installation, told, ledger }),
            ...checkGate(call, "delete", ledger, row),
          ];
        }
        case "members":
          return [...checkGate(call, "loadBalancer", undefined), ...checkMembers(call)];
        case "look":
          return [];
        default:
          return call satisfies never;
      }
    },
  };
}

/** Of the whole placement, and of the part of its work that this is. */
function pausesFor(operation: OperationClass, ledger: Ledger, row: ServerRow | undefined) {
  const part = row && ledger.doc && partOf(operation, row, ledger.doc);
  return [textOf(ledger), ...(part ? [`${textOf(ledger)}/${part}`] : [])];
}

function textOf({ key }: Ledger): string {
  return `${key.account}/${key.group}/${key.colo}`;
}
