import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";

/** A process of the benchmark's own, asked by messages. */
export interface Child {
  ask<Answer>(name: string, args?: unknown): Promise<Answer>;
  /** Without waiting for an answer. */
  tell(name: string, args?: unknown): void;
  stop(): Promise<void>;
  /** SIGKILL: as a crash. */
  kill(): Promise<void>;
}

/** What a child can do, by name. */
export type Duties = Readonly<Record<string, (args: never) => unknown>>;

interface Ask {
  /** Undefined: nobody waits for the answer. */
  readonly id?: number;
  readonly name: string;
  readonly args?: unknown;
}

type Answer =
  | { readonly kind: "ready" }
  | { readonly kind: "answer"; readonly id: number; readonly value: unknown }
  | { readonly kind: "failed"; readonly id: number; readonly error: string };

/** Folder that children write a CPU profile into when they stop. */
const profileFolder = process.env["BENCH_PROFILE"];
const stopMsMax = 5_000;

/** Starts the module as a process and waits until it has called `serveParent`. */
export async function startChild(entry: URL, args: readonly string[] = []): Promise<Child> {
  const execArgv = profileFolder ? ["--cpu-prof", `--cpu-prof-dir=${profileFolder}`] : [];
  const child = fork(entry, [...args], { execArgv, serialization: "advanced" });
  const open = new Map<number, (answer: Answer | Error) => void>();
  let idNext = 1;
  const ended = once(child, "exit");
  ended.then(() => {
    for (const settle of open.values()) settle(new Error(`${entry.pathname} has ended`));
  });
  await ready(child, ended, entry);
  child.on("message", (message) => {
    const answer = message as Answer;
    if (answer.kind === "ready") return;
    open.get(answer.id)?.(answer);
    open.delete(answer.id);
  });
  return {
    ask: <Value>(name: string, value?: unknown) =>
      new Promise<Value>((resolve, reject) => {
        const id = idNext++;
        open.set(id, (answer) => {
          if (answer instanceof Error) reject(answer);
          else if (answer.kind === "failed") reject(new Error(answer.error));
          else if (answer.kind === "answer") resolve(answer.value as Value);
        });
        child.send({ id, name, args: value } satisfies Ask);
      }),
    tell: (name, value) => void child.send({ name, args: value } satisfies Ask),
    async stop() {
      if (child.connected) child.disconnect();
      const timer = setTimeout(() => child.kill("SIGKILL"), stopMsMax);
      await ended;
      clearTimeout(timer);
    },
    async kill() {
      child.kill("SIGKILL");
      await ended;
    },
  };
}

async function ready(child: ChildProcess, ended: Promise<unknown>, entry: URL): Promise<void> {
  const first = await Promise.race([once(child, "message"), ended.then(() => undefined)]);
  if (!first) throw new Error(`${entry.pathname} ended before it was ready`);
}

/** The child's side: says that it is ready, answers, and cleans up when the parent lets go. */
export function serveParent(duties: Duties, cleanUp: () => Promise<void> | void): void {
  const send = (answer: Answer) => void process.send?.(answer);
  process.on("message", async (message) => {
    const { id, name, args } = message as Ask;
    try {
      const duty = duties[name];
      if (!duty) throw new Error(`no duty ${name}`);
      const value = await duty(args as never);
      if (id !== undefined) send({ kind: "answer", id, value });
    } catch (error) {
      const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
      if (id === undefined) process.stderr.write(`${name}: ${text}\n`);
      else send({ kind: "failed", id, error: text });
    }
  });
  process.on("disconnect", async () => {
    await cleanUp();
    process.exit();
  });
  send({ kind: "ready" });
}

/** CPU that this process has used, of all its threads. */
export function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
