import { connect, type NetConnectOpts } from "node:net";
import { OutsideFault } from "../../core/errors/outside-fault.js";
import type { Clock } from "../../core/ports/clock.js";

/** One exchange's answers; 10,000 servers with long names are well below. */
const answerBytesMax = 16 * 1_024 * 1_024;
/** Commands in one exchange; HAProxy serves no traffic on that thread while it runs one. */
const commandsMax = 1_000;
/**
 * Answers must be told apart; and 2.4 and 2.5 want the experimental mode for dynamic servers,
 * which later ones take without a word. What is answered here does not matter: changes say what
 * they miss.
 */
const prelude = ["prompt", "experimental-mode on"];
/** How HAProxy ends each answer after `prompt`. No answer holds a line that begins so. */
const prompt = "\n> ";

/** HAProxy's Runtime API: commands in, their answers out, in order. */
export interface RuntimeApi {
  /**
   * Sends all commands over one connection without waiting in between. An answer may be a refusal.
   * @throws OutsideFault when the exchange itself fails; `ambiguous` once commands were sent
   */
  ask(commands: readonly string[], signal: AbortSignal): Promise<readonly string[]>;
}

export interface RuntimeApiOptions {
  readonly socket: string;
  readonly timeoutMs: number;
  readonly clock: Clock;
}

export function createRuntimeApi(options: RuntimeApiOptions): RuntimeApi {
  return {
    async ask(commands, signal) {
      const answers: string[] = [];
      for (let start = 0; start < commands.length; start += commandsMax) {
        const some = commands.slice(start, start + commandsMax);
        const text = await exchange(some, options, signal);
        answers.push(...splitAnswers(text, some.length));
      }
      return answers;
    },
  };
}

/** @throws OutsideFault, ambiguous, when there are fewer answers than commands */
export function splitAnswers(text: string, commands: number): readonly string[] {
  const parts = text.split(prompt);
  // The prelude is answered first, and nothing follows the last prompt.
  if (parts.length !== prelude.length + commands + 1 || parts.at(-1) !== "")
    throw new OutsideFault("temporary", "haproxy broke the connection off", { ambiguous: true });
  return parts.slice(prelude.length, -1);
}

function exchange(
  commands: readonly string[],
  { socket: place, timeoutMs, clock }: RuntimeApiOptions,
  signal: AbortSignal,
): Promise<string> {
  if (signal.aborted)
    return Promise.reject(new OutsideFault("temporary", "the call was aborted in time"));
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    let sent = false;
    const socket = connect(placeOf(place));

    const finish = (fault?: OutsideFault) => {
      timer.cancel();
      signal.removeEventListener("abort", abort);
      socket.destroy();
      if (fault) reject(fault);
      else resolve(Buffer.concat(chunks).toString("utf8"));
    };
    const fail = (message: string, cause?: unknown) =>
      finish(new OutsideFault("temporary", `haproxy: ${message}`, { ambiguous: sent, cause }));
    const abort = () => fail("the call was aborted");
    const timer = clock.after(timeoutMs, () => fail(`no answer within ${timeoutMs} ms`));

    signal.addEventListener("abort", abort, { once: true });
    socket.once("connect", () => {
      sent = true;
      socket.write([...prelude, ...commands, "quit", ""].join("\n"));
    });
    socket.on("data", (chunk) => {
      bytes += chunk.length;
      if (bytes <= answerBytesMax) chunks.push(chunk);
      else finish(new OutsideFault("unknown", `haproxy answers more than ${answerBytesMax} bytes`));
    });
    socket.once("end", () => finish());
    socket.on("error", (error: NodeJS.ErrnoException) => {
      if (!sent && (error.code === "EACCES" || error.code === "EPERM"))
        finish(new OutsideFault("denied", `haproxy: ${error.message}`, { cause: error }));
      else fail(error.message, error);
    });
  });
}

function placeOf(socket: string): NetConnectOpts {
  if (socket.startsWith("/")) return { path: socket };
  const colon = socket.lastIndexOf(":");
  const host = socket.slice(0, colon).replace(/^\[|\]$/g, "");
  return { host, port: Number(socket.slice(colon + 1)) };
}
