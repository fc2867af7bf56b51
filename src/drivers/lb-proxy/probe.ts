import { get } from "node:http";
import { connect } from "node:net";
import type { Clock } from "../../core/ports/clock.js";
import type { HealthCheckOptions } from "./options.js";

export interface ProbeTarget {
  readonly host: string;
  readonly port: number;
}

/** Checks one member once: true when it passed within `timeoutMs`. Never throws. */
export function probe(
  target: ProbeTarget,
  check: HealthCheckOptions,
  clock: Clock,
  signal: AbortSignal,
): Promise<boolean> {
  return new Promise((resolve) => {
    const finish = (passed: boolean) => {
      timer.cancel();
      signal.removeEventListener("abort", abort);
      stop();
      resolve(passed);
    };
    const abort = () => finish(false);
    const timer = clock.after(check.timeoutMs, abort);
    const stop = check.kind === "tcp" ? probeTcp(target, finish) : probeHttp(target, check, finish);
    signal.addEventListener("abort", abort, { once: true });
    if (signal.aborted) abort();
  });
}

type Finish = (passed: boolean) => void;

function probeTcp(target: ProbeTarget, finish: Finish): () => void {
  const socket = connect({ host: target.host, port: target.port });
  socket.once("connect", () => finish(true));
  socket.on("error", () => finish(false));
  return () => socket.destroy();
}

function probeHttp(target: ProbeTarget, check: HealthCheckOptions, finish: Finish): () => void {
  const request = get({
    host: target.host,
    port: target.port,
    path: check.path ?? "/",
    agent: false,
    headers: { "user-agent": "muster-health-check" },
  });
  // The status decides; the body is never read, so that its size does not matter.
  request.once("response", ({ statusCode }) =>
    finish(statusCode !== undefined && statusCode >= 200 && statusCode < 400),
  );
  request.on("error", () => finish(false));
  return () => request.destroy();
}
