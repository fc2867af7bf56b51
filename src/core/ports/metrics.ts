import type { Call } from "./call.js";

/** Asks a monitoring system for what it measures. */
export interface Metrics {
  /**
   * What the query's answer is now; undefined: there is none, such as for servers that nobody
   * scrapes. A query must give one number, so it says itself how many become one.
   *
   * @throws Error: it gives several, or no finite number, or there was no answer. Its message has
   *   no secret.
   */
  measure(query: string, call: Call): Promise<number | undefined>;
}
