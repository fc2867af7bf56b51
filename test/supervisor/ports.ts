import type { Clock } from "../../src/core/ports/clock.js";

/** The wires between one node and the rest of the world. */
export interface Wires {
  /** The same object as the node sees it. */
  through<Port extends object>(port: Port): Port;
  /** Cuts them for good: the node is dead, between two awaits and without any good-bye. */
  cut(): void;
  /** Stops the node's process as SIGSTOP does: no call begins, no answer and no timer comes. */
  freeze(): void;
  /** Goes on as if nothing had been, however long that took. */
  thaw(): void;
}

export function createWires(): Wires {
  let standing: "alive" | "frozen" | "dead" = "alive";
  let waiting: (() => void)[] = [];

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

  function call(target: object, name: string | symbol, value: Call, args: unknown[]): unknown {
    if (name === "nowMs" || name === "monotonicMs") return value.apply(target, args);
    if (name === "after") {
      const [delayMs, task] = args as Parameters<Clock["after"]>;
      let cancelled = false;
      const timer = (target as Clock).after(delayMs, () => when(() => cancelled || task()));
      return {
        cancel() {
          cancelled = true;
          timer.cancel();
        },
      };
    }
    if (standing === "alive") {
      const answer = value.apply(target, args);
      return answer instanceof Promise ? settled(answer) : answer;
    }
    return new Promise((resolve, reject) => {
      when(() => {
        Promise.resolve(value.apply(target, args)).then(resolve, reject);
      });
    });
  }

  return {
    through<Port extends object>(port: Port): Port {
      return new Proxy(port, {
        get(target, name) {
          const value: unknown = Reflect.get(target, name);
          if (typeof value !== "function") return value;
          return (...args: unknown[]) => call(target, name, value as Call, args);
        },
      });
    },
    cut() {
      standing = "dead";
      waiting = [];
    },
    freeze() {
      standing = "frozen";
    },
    thaw() {
      standing = "alive";
      const due = waiting;
      waiting = [];
      for (const task of due) task();
    },
  };
}

type Call = (...args: unknown[]) => unknown;
