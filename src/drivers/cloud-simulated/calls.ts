import { OutsideFault, outsideFaultOf } from "../../core/errors/outside-fault.js";
import type { Call } from "../../core/ports/call.js";
import { serveThrough } from "./capacity/front.js";
import type { FaultOf, Operation } from "./faults.js";
import type { World } from "./world.js";

/** What calls have in common: latency, refusals, lost answers, being aborted, being witnessed. */
export interface Calls {
  make<Answer>(
    operation: Operation,
    account: string,
    call: Call,
    work: () => Promise<Answer>,
  ): Promise<Answer>;
  /** A call that changes something; half its latency passes after `work` has done so. */
  change<Answer>(
    operation: "create" | "delete",
    account: string,
    subject: string,
    call: Call,
    work: (
      /** No answer: an ambiguous fault, at once or only when the caller gives up. */
      lose: (hang: boolean | undefined) => Promise<never>,
      answer: (answer: Answer) => Promise<Answer>,
    ) => Promise<Answer>,
  ): Promise<Answer>;
  close(): Promise<void>;
}

type Refusal = FaultOf<"refuse">;

/** Whether only what is asked for tells if it strikes. */
export function isScoped({ flavor, zone }: Refusal): boolean {
  return flavor !== undefined || zone !== undefined;
}

export function refusalOf(operation: Operation, refusal: Refusal): OutsideFault {
  const { with: kind, ambiguous = false, retryAfterMs } = refusal;
  const detail = {
    ambiguous,
    requestId: `req-${operation}`,
    ...(retryAfterMs !== undefined && { retryAfterMs }),
  };
  return new OutsideFault(kind, `${operation} refused: ${kind}`, detail);
}

/** A caller that never gives up is told so long after. */
export const hangMsMax = 600_000;

export function createCalls(world: World): Calls {
  const { board, settings, witness } = world;
  const { clock } = settings;
  let closed = false;

  const begin = async (operation: Operation, account: string, { signal }: Call, ms: number) => {
    if (closed) throw new OutsideFault("temporary", "the cloud driver is closed");
    const slow = board.strike("slowCall", account, ({ on }) => on.includes(operation));
    if (!(await wait(ms + (slow?.delayMs ?? 0), signal)))
      throw new OutsideFault("temporary", "aborted before it began");
    const refusal = board.strike("refuse", account, (fault) => {
      return fault.on.includes(operation) && !isScoped(fault);
    });
    if (refusal) throw refusalOf(operation, refusal);
  };

  /**
   * A cloud of bounded capacity takes its time, and does the work though the caller gave up.
   */
  const serve = async <Answer>(
    operation: Operation,
    { signal }: Call,
    work: () => Promise<Answer>,
  ): Promise<Answer> => {
    const { front } = world;
    if (!front) return await work();
    return await serveThrough(front, operation, signal, work);
  };

  /** False when the caller gave up. */
  const wait = async (ms: number, signal: AbortSignal): Promise<boolean> => {
    if (ms > 0 && !signal.aborted)
      await new Promise<void>((resolve) => {
        const end = () => {
          timer.cancel();
          signal.removeEventListener("abort", end);
          resolve();
        };
        const timer = clock.after(ms, end);
        signal.addEventListener("abort", end);
      });
    return !signal.aborted;
  };

  return {
    async make(operation, account, call, work) {
      await begin(operation, account, call, world.latencyMs());
      return await serve(operation, call, work);
    },
    async change(operation, account, subject, call, work) {
      const beganAtMs = clock.nowMs();
      const note = (answer: string) =>
        witness.noteCall({
          ...{ operation, account, subject, beganAtMs, answer },
          endedAtMs: clock.nowMs(),
        });
      const halfMs = world.latencyMs() / 2;
      const lose = async (hang: boolean | undefined): Promise<never> => {
        await wait(hang ? hangMsMax : halfMs, call.signal);
        throw new OutsideFault("temporary", "the connection was lost", { ambiguous: true });
      };
      try {
        await begin(operation, account, call, halfMs);
        const answer = await serve(operation, call, () =>
          work(lose, async (done) => {
            if (await wait(halfMs, call.signal)) return done;
            throw new OutsideFault("temporary", "aborted on the way", { ambiguous: true });
          }),
        );
        note("ok");
        return answer;
      } catch (error) {
        const fault = outsideFaultOf(error);
        note(`${fault.kind}${fault.ambiguous ? "?" : ""}`);
        throw fault;
      }
    },
    async close() {
      closed = true;
    },
  };
}
