import type { ColoId } from "../core/model/ids.js";
import type { Clock, Timer } from "../core/ports/clock.js";

/**
 * What a node does, a few things at a time. What somebody waits for is begun before all else; what
 * the node does of its own accord is so little at once that people's calls find their way between.
 */
export interface Hands {
  /** Begins the task when its turn comes. One of the same key must not wait already. */
  take(task: Task): void;
  /** Somebody waits for it by now. Does nothing when it does not wait. */
  hurry(colo: ColoId, key: string): void;
  /** Drops what waits; resolves when nothing runs. */
  rest(): Promise<void>;
}

export interface Task {
  readonly key: string;
  readonly colo: ColoId;
  readonly isAwaited: boolean;
  /** Never rejects. */
  run(): Promise<void>;
}

/** A colo whose outside hangs must not hold up what is done for the others. */
interface Lane {
  readonly awaited: Map<string, Task>;
  readonly routine: Map<string, Task>;
  running: number;
}

/** Tasks of one colo at once: they wait for the outside more than they work. */
const perColoMax = 256;
/** Routine at work at once: all of it may stand between a call and its answer. */
const routineMax = 16;
/** Who takes longer waits for something outside: another one may begin. */
const workMsMax = 50;

export function createHands(clock: Clock): Hands {
  const lanes = new Map<ColoId, Lane>();
  let routine = 0;
  let rested: (() => void) | undefined;

  function laneOf(colo: ColoId): Lane {
    const known = lanes.get(colo);
    if (known) return known;
    const fresh: Lane = { awaited: new Map(), routine: new Map(), running: 0 };
    lanes.set(colo, fresh);
    return fresh;
  }

  function feed(): void {
    for (const lane of lanes.values())
      while (lane.awaited.size > 0 && lane.running < perColoMax)
        void begin(lane, next(lane.awaited), () => {});
    // Colos take turns: who was served goes to the end.
    for (const [colo, lane] of lanes) {
      if (routine >= routineMax) return;
      if (lane.routine.size === 0 || lane.running >= perColoMax) continue;
      lanes.delete(colo);
      lanes.set(colo, lane);
      void begin(lane, next(lane.routine), hand());
    }
  }

  /** @returns what gives the hand back. */
  function hand(): () => void {
    routine++;
    let timer: Timer | undefined;
    const giveBack = () => {
      if (!timer) return;
      timer.cancel();
      timer = undefined;
      routine--;
    };
    timer = clock.after(workMsMax, () => {
      giveBack();
      feed();
    });
    return giveBack;
  }

  async function begin(lane: Lane, task: Task, giveBack: () => void): Promise<void> {
    lane.running++;
    await task.run();
    lane.running--;
    giveBack();
    feed();
    if (rested && [...lanes.values()].every((one) => one.running === 0)) rested();
  }

  return {
    take(task) {
      const lane = laneOf(task.colo);
      (task.isAwaited ? lane.awaited : lane.routine).set(task.key, task);
      feed();
    },
    hurry(colo, key) {
      const { routine: waiting, awaited } = laneOf(colo);
      const task = waiting.get(key);
      if (!task) return;
      waiting.delete(key);
      awaited.set(key, task);
      feed();
    },
    async rest() {
      for (const { awaited, routine: waiting } of lanes.values()) {
        awaited.clear();
        waiting.clear();
      }
      await new Promise<void>((resolve) => {
        rested = resolve;
        if ([...lanes.values()].every((one) => one.running === 0)) resolve();
      });
    },
  };
}

function next(waiting: Map<string, Task>): Task {
  const [first] = waiting;
  const [key, task] = first!;
  waiting.delete(key);
  return task;
}
