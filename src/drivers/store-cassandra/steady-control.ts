import assert from "node:assert/strict";
import type { Client } from "cassandra-driver";

/** The part of cassandra-driver 4.10 that is not public and has to be held. */
interface ControlConnection {
  /** With hosts left to try it calls itself; without, it begins anew. */
  _refresh(hostsLeft?: Iterator<unknown>): Promise<void>;
  _refreshControlConnection(hosts: Iterator<unknown>): Promise<void>;
  /** Throws when none of the hosts has one. */
  _borrowAConnection(hosts: Iterator<unknown>): unknown;
  connection: unknown;
}

const againMs = 1_000;

/**
 * When all nodes were away, the library begins anew from its contact points: the old hosts go on
 * trying to connect for ever, also after `shutdown`, and it looks for a control connection twice at
 * once (its open issue NODEJS-681). One search trips over the other's, and the error, which nobody
 * awaits, would end the process. So: it waits for a host that it knows, in one search at a time,
 * and one that fails is begun again. Contact points are looked up when the store is opened.
 */
export function steadyControl(client: Client): void {
  const control = (client as unknown as { controlConnection?: ControlConnection })
    .controlConnection;
  assert(
    typeof control?._refresh === "function",
    "cassandra-driver is not the one that was tested",
  );
  control._refreshControlConnection = async (hosts) => {
    control.connection = control._borrowAConnection(hosts);
  };
  const refresh = control._refresh.bind(control);
  let isRunning = false;
  control._refresh = async (hostsLeft) => {
    if (hostsLeft) return refresh(hostsLeft);
    if (isRunning) return;
    isRunning = true;
    try {
      await refresh();
    } catch {
      setTimeout(() => void control._refresh(), againMs).unref();
    } finally {
      isRunning = false;
    }
  };
}
