import { type RequestOptions, request } from "node:http";
import { buffer } from "node:stream/consumers";

/** Callers that never rest, each with one request at a time on a connection of its own. */
export interface Traffic {
  /** What went wrong, in the callers' words. */
  readonly failures: readonly string[];
  /** Good answers so far. */
  readonly total: number;
  /** The servers that answered requests which were asked since the last `forget`. */
  readonly servers: ReadonlySet<string>;
  /** Who answers from now on? */
  forget(): void;
  /** Lets the requests under way finish. */
  stop(): Promise<void>;
}

const callersCount = 6;
const answerMsMax = 20_000;

/** Each answer's body names the server that gave it. */
export function startTraffic(to: Pick<RequestOptions, "port" | "socketPath">): Traffic {
  const failures: string[] = [];
  let servers = new Set<string>();
  let total = 0;
  let stopped = false;
  const call = async () => {
    while (!stopped) {
      try {
        const mine = servers; // A later `forget` does not want to hear of this one.
        mine.add(await ask(to));
        total++;
      } catch (error) {
        failures.push(`${new Date().toISOString()} ${String(error)}`);
      }
    }
  };
  const callers = Array.from({ length: callersCount }, call);
  return {
    failures,
    get total() {
      return total;
    },
    get servers() {
      return servers;
    },
    forget() {
      servers = new Set();
    },
    async stop() {
      stopped = true;
      await Promise.all(callers);
    },
  };
}

/** @throws when there is no answer, no whole answer, or not a good one. */
function ask(to: Pick<RequestOptions, "port" | "socketPath">): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = { ...to, host: "127.0.0.1", agent: false, timeout: answerMsMax };
    const asked = request(options, (response) => {
      buffer(response).then((body) => {
        if (response.statusCode === 200 && response.complete) resolve(body.toString());
        else reject(new Error(`status ${response.statusCode}`));
      }, reject);
    });
    asked.on("timeout", () => asked.destroy(new Error("no answer in time")));
    asked.on("error", reject);
    asked.end();
  });
}
