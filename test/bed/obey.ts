import { type Bed, runIn } from "./run.js";

const moves = ["launch", "stop", "kill", "pause", "resume"] as const;

/** A bed as its own program serves it. */
export interface ServedBed extends Bed {
  readonly usage: string;
  /** Brings what it needs from the internet. */
  fetch(): Promise<void>;
  /** A line for each server. */
  status(): Promise<readonly string[]>;
  /** The server that the words after `launch`, `stop` … name. */
  serverOf(words: readonly string[]): Readonly<Record<(typeof moves)[number], () => Promise<void>>>;
  /** Commands of its own, each with its exit code. */
  readonly more?: Readonly<Record<string, (words: readonly string[]) => Promise<number>>>;
}

/** Carries out one command. Gives the exit code: 2 for what is no command. */
export async function obey(bed: ServedBed, [command = "", ...words]: readonly string[]) {
  const move = moves.find((one) => one === command);
  if (move) await bed.serverOf(words)[move]();
  else if (command === "fetch") await bed.fetch();
  else if (command === "up") await bed.up();
  else if (command === "down") await bed.down(words.includes("--clean"));
  else if (command === "status") for (const line of await bed.status()) console.log(line);
  else if (command === "run") return runIn(bed, words);
  else if (bed.more && Object.hasOwn(bed.more, command)) return bed.more[command]!(words);
  else {
    console.error(bed.usage);
    return 2;
  }
  return 0;
}
