import type { Clock } from "../../src/core/ports/clock.js";

/** The wires between one node and the rest of the world. */
export interface Wires {
  /** The same object as the node sees it. */
  through<Port extends object>(port: Port): Port;
  /** Cuts them for good: the node is dead, between two awaits and without any good-bye. */
  cut(): void;
  /** Cuts them at the `calls`-th call from now: the last thing that is sent, or that is not. */
  cutAt(point: CutPoint): void;
  /** Stops the node's process as SIGSTOP does: no call begins, no answer and no timer comes. */
  freeze(): void;
  /** How many calls, answers and timers wait for the thaw. */
  heldUp(): number;
  /** Goes on as if nothing had been, however long that took. */
  thaw(): void;
  readonly standing: "alive" | "frozen" | "dead";
}

export interface CutPoint {
  readonly calls: number;
  /** Whether that call is sent before the node dies. Its answer never comes. */
  readonly sent: boolean;
  readonly done: () => void;
}

export function createWires(): Wires {
  let standing: Wires["standing"] = "alive";
  let waiting: (() => void)[] = [];
  let point: CutPoint | undefined;
  let callsLeft = 0;

  /** Runs it now, after the thaw, or never. */
  const when = (task: () => void): void => {
    if (standing === "alive") task();
    else if (standing === "frozen") waiting.push(task);
  };
  const settled = <Value>(answer: Promise<Value>) =>
    new Promise<Value>((resolve, reject) => {
      answer.then(
        (value) => when(() => resolve(value)),
        (error: unknown) => when(() => reject(error)),
      );
    });
  const never = () => new Promise<never>(() => {});

  function cut(): void {
    standing = "dead";
    waiting = [];
  }

  function after(clock: Clock, delayMs: number, task: () => void) {
    let cancelled = false;
    if (standing === "dead") return { cancel: () => {} };
    const timer = clock.after(delayMs, () => when(() => cancelled || task()));
    return {
      cancel() {
        cancelled = true;
        timer.cancel();
      },
    };
  }

  function call(target: object, method: Call, args: unknown[]): unknown {
    if (point && standing === "alive" && --callsLeft <= 0) {
      const { sent, done } = point;
      point = undefined;
      const answer = sent ? method.apply(target, args) : undefined;
      if (answer instanceof Promise) answer.catch(() => {});
      cut();
      done();
      return never();
    }
    if (standing === "alive") {
      const answer = method.apply(target, args);
      return answer instanceof Promise ? settled(answer) : answer;
    }
    if (standing === "dead") return never();
    return new Promise((resolve, reject) => {
      when(() => {
        Promise.resolve(method.apply(target, args)).then(resolve, reject);
      });
    });
  }

  function wired(target: object, name: string, value: unknown): unknown {
    if (typeof value !== "function") return value;
    const method = value as Call;
    if (name === "nowMs" || name === "monotonicMs" || name === "random")
      return () => method.call(target);
    if (name === "after")
      return (delayMs: number, task: () => void) => after(target as Clock, delayMs, task);
    return (...args: unknown[]) => call(target, method, args);
  }

  return {
    through<Port extends object>(port: Port): Port {
      // Ports are plain objects: one function each, made once, is what makes long lives cheap.
      const entries = Object.entries(port).map(([name, value]) => [name, wired(port, name, value)]);
      return Object.fromEntries(entries) as Port;
    },
    cut,
    cutAt(next) {
      point = next;
      callsLeft = next.calls;
    },
    freeze() {
      if (standing === "alive") standing = "frozen";
    },
    heldUp: () => waiting.length,
    thaw() {
      if (standing !== "frozen") return;
      standing = "alive";
      const due = waiting;
      waiting = [];
      for (const task of due) task();
    },
    get standing() {
      return standing;
    },
  };
}

type Call = (...args: unknown[]) => unknown;
