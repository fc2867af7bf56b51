import { forkChance } from "../../src/drivers/cloud-simulated/chance.js";
import { createRandom } from "./virtual-clock.js";

/** Draws from one stream of chance. */
export interface Dice {
  /** In [0, 1). */
  real(): number;
  /** Inclusive. */
  whole(from: number, to: number): number;
  chance(share: number): boolean;
  pick<Item>(items: readonly Item[]): Item;
  /** A duration between the two, short ones as likely as long ones. */
  spanMs(fromMs: number, toMs: number): number;
}

/** Streams by label: one more draw under one label moves nothing under another. */
export function createCup(seed: number): {
  readonly stream: (label: string) => () => number;
  readonly dice: (label: string) => Dice;
} {
  const stream = forkChance(createRandom(seed));
  return { stream, dice: (label) => createDice(stream(label)) };
}

function createDice(real: () => number): Dice {
  const whole = (from: number, to: number) => from + Math.floor(real() * (to - from + 1));
  return {
    real,
    whole,
    chance: (share) => real() < share,
    pick: (items) => items[Math.floor(real() * items.length)]!,
    spanMs: (fromMs, toMs) => Math.round(fromMs * (toMs / fromMs) ** real()),
  };
}
