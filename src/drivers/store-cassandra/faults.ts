import { errors, types } from "cassandra-driver";
import { Fault } from "../../core/errors/fault.js";

/** For logs: what the cluster or the driver said, not only that it failed. */
export function causeOf(error: unknown): string {
  return String(error instanceof Fault && error.cause !== undefined ? error.cause : error);
}

const { responseErrorCodes: codes } = types;

/**
 * Codes of requests that were refused before anything was done. UNAVAILABLE is not among them: a
 * conditional write can meet it after its proposal was accepted.
 */
const refusedBefore: ReadonlySet<number> = new Set([
  codes.badCredentials,
  codes.overloaded,
  codes.isBootstrapping,
  codes.syntaxError,
  codes.unauthorized,
  codes.invalid,
  codes.configError,
  codes.unprepared,
]);

/** Whether the request certainly had no effect. What was sent and not answered may have had one. */
export function hadNoEffect(error: unknown): boolean {
  // The driver goes to another host only while nothing was written: no host, nothing sent.
  if (error instanceof errors.NoHostAvailableError) return true;
  return error instanceof errors.ResponseError && refusedBefore.has(error.code);
}
