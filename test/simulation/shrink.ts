import { type Action, keepOnly, type Scenario } from "./scenario.js";

export interface ShrinkOptions {
  /** Whether the scenario still breaks what it broke. */
  readonly fails: (scenario: Scenario) => Promise<boolean>;
  /** Runs at most. */
  readonly triesMax: number;
}

/**
 * The same failure with as little as it takes (delta debugging): actions and faults are left out in
 * ever smaller pieces, then groups and nodes, then time. What is left can be read.
 */
export async function shrink(scenario: Scenario, options: ShrinkOptions): Promise<Scenario> {
  let tries = 0;
  let best = scenario;
  const attempt = async (smaller: Scenario): Promise<boolean> => {
    if (tries >= options.triesMax) return false;
    tries++;
    if (!(await options.fails(smaller))) return false;
    best = smaller;
    return true;
  };

  async function dropActions(): Promise<void> {
    for (let size = Math.ceil(best.actions.length / 2); size >= 1; size = Math.floor(size / 2)) {
      for (let from = 0; from < best.actions.length && tries < options.triesMax; ) {
        const kept: readonly Action[] = best.actions.toSpliced(from, size);
        if (!(await attempt(keepOnly(best, kept)))) from += size;
      }
    }
  }

  async function dropEach(name: "groups" | "nodes"): Promise<void> {
    for (let size = Math.ceil(best[name].length / 2); size >= 1; size = Math.floor(size / 2)) {
      for (let from = 0; from < best[name].length && best[name].length > size; ) {
        if (tries >= options.triesMax) return;
        const fewer = { ...best, [name]: [...best[name]].toSpliced(from, size) };
        if (!(await attempt(keepOnly(fewer, fewer.actions)))) from += size;
      }
    }
  }

  async function shorten(): Promise<void> {
    const lastMs = best.actions.at(-1)?.atMs ?? 0;
    for (const share of [0, 0.25, 0.5]) {
      const durationMs = Math.round(lastMs + 1_000 + share * (best.durationMs - lastMs));
      if (durationMs < best.durationMs && (await attempt({ ...best, durationMs }))) return;
    }
  }

  // What is cheapest to leave out goes first: most groups have nothing to do with it.
  await dropEach("groups");
  await dropActions();
  await dropEach("groups");
  await dropEach("nodes");
  await dropActions();
  await shorten();
  return best;
}
