import { type Database, sqliteCode, sqliteCodes } from "./database.js";
import { rollBack } from "./open-database.js";
import type { Answer, Outcome, Request } from "./protocol.js";

type AnyHandlers = Readonly<
  Record<
    string,
    { readonly writes: boolean; readonly run: (args: never) => Outcome<unknown> } | undefined
  >
>;

export interface BatchRunner {
  /**
   * Runs all requests in their order in one transaction, and answers when it is on disk. A refused
   * one leaves nothing and the others stand. An unexpected error in one fails that one alone.
   */
  run(requests: readonly Request[]): readonly Answer[];
}

export function createBatchRunner(db: Database, handlers: AnyHandlers): BatchRunner {
  // After a failed fsync nobody knows what is on disk, and asking again may lie. Stay down.
  let brokenBy: string | undefined;

  const writes = ({ name }: Request) => handlers[name]?.writes === true;

  const handle = (request: Request): Answer => {
    const handler = handlers[request.name];
    if (!handler) throw new Error(`unknown operation ${request.name}`);
    return { id: request.id, outcome: handler.run(request.args as never) };
  };

  const commitFailed = (requests: readonly Request[], error: unknown): readonly Answer[] => {
    rollBack(db);
    brokenBy = messageOf(error);
    return requests.map((request) => ({
      id: request.id,
      outcome: { kind: writes(request) ? "unknown" : "unavailable", message: messageOf(error) },
    }));
  };

  const inTransaction = (requests: readonly Request[]): readonly Answer[] | Failure => {
    let answers: readonly Answer[];
    try {
      if (requests.some(writes)) db.exec("BEGIN IMMEDIATE");
      else return requests.map(handle);
      answers = requests.map(handle);
    } catch (error) {
      rollBack(db);
      return { error };
    }
    try {
      db.exec("COMMIT");
      return answers;
    } catch (error) {
      if (sqliteCode(error) !== sqliteCodes.full) return commitFailed(requests, error);
      rollBack(db);
      return { error };
    }
  };

  const alone = (request: Request): Answer => {
    if (brokenBy !== undefined) return unavailable(request, brokenBy);
    const result = inTransaction([request]);
    if (!isFailure(result)) return result[0] ?? unavailable(request, "no answer");
    return { id: request.id, outcome: failureOutcome(result.error) };
  };

  return {
    run(requests) {
      if (brokenBy !== undefined) {
        const message = brokenBy;
        return requests.map((request) => unavailable(request, message));
      }
      const result = inTransaction(requests);
      // Rolled back as a whole: one by one, only those that fail by themselves fail.
      return isFailure(result) ? requests.map(alone) : result;
    },
  };
}

interface Failure {
  readonly error: unknown;
}

function isFailure(result: readonly Answer[] | Failure): result is Failure {
  return "error" in result;
}

const machineCodes: ReadonlySet<number> = new Set(Object.values(sqliteCodes));

function failureOutcome(error: unknown): Outcome<never> {
  const code = sqliteCode(error);
  const message = messageOf(error);
  if (code !== undefined && machineCodes.has(code)) return { kind: "unavailable", message };
  const stack = error instanceof Error ? (error.stack ?? message) : message;
  return { kind: "bug", message, stack };
}

function unavailable(request: Request, message: string): Answer {
  return { id: request.id, outcome: { kind: "unavailable", message } };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
