import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Outcome } from "./run.js";

export interface Soak {
  readonly from: number;
  /** So many seeds, or as many as it takes for so many group-hours. */
  readonly seeds: number;
  readonly hours: number;
  readonly processes: number;
  readonly onSeed?: (seed: number, outcome: Outcome, sum: Sum) => void;
}

export interface Sum {
  readonly runs: number;
  readonly hours: number;
  readonly faults: Readonly<Record<string, number>>;
  /** Seeds that broke a promise. */
  readonly failed: readonly number[];
}

/** After so many failing seeds the others would only cost time. */
const failedMax = 5;

/** Runs seeds in processes of their own, each the next one as soon as it is free. */
export function runSeeds(soak: Soak): Promise<Sum> {
  const faults: Record<string, number> = {};
  const failed: number[] = [];
  let sum: Sum = { runs: 0, hours: 0, faults, failed };
  let next = soak.from;
  const isMore = () =>
    failed.length < failedMax &&
    (soak.hours > 0 ? sum.hours < soak.hours : next < soak.from + soak.seeds);

  return new Promise((resolve, reject) => {
    let working = 0;
    const worker = () => {
      const child = fork(fileURLToPath(new URL("./seed-worker.js", import.meta.url)), {
        execArgv: ["--enable-source-maps"],
      });
      working++;
      const feed = () => {
        if (isMore()) child.send(next++);
        else child.disconnect();
      };
      child.on("message", ({ seed, outcome }: { seed: number; outcome: Outcome }) => {
        for (const [fault, times] of Object.entries(outcome.faults))
          faults[fault] = (faults[fault] ?? 0) + times;
        if (outcome.findings.length > 0) failed.push(seed);
        sum = { ...sum, runs: sum.runs + 1, hours: sum.hours + outcome.hours };
        soak.onSeed?.(seed, outcome, sum);
        feed();
      });
      child.on("exit", (code) => {
        if (code !== 0) reject(new Error(`a process of the simulation ended with ${code}`));
        else if (--working === 0) resolve(sum);
      });
      feed();
    };
    for (let count = 0; count < soak.processes; count++) worker();
  });
}
