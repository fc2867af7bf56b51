import type { Brake } from "../../core/model/colo.js";
import type { ColoId } from "../../core/model/ids.js";
import { readSwitchFile } from "../../core/model/switch-file.js";
import type { Clock, Timer } from "../../core/ports/clock.js";
import type { Log } from "../../core/ports/log.js";
import type { SwitchFile } from "../../core/ports/switch-file.js";

/** This node's own kill switch: a file, looked at several times a second, store or no store. */
export interface FileSwitch {
  start(): Promise<void>;
  stop(): void;
  inForce(colo: ColoId): readonly Brake[];
  /** Ms since the file was last looked at; 0 where there is none to look at. */
  ageMs(): number;
}

const readEveryMs = 250;

export function createFileSwitch(deps: {
  readonly file: SwitchFile | undefined;
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
  /** Called when what is in force changed. */
  readonly changed: () => void;
}): FileSwitch {
  const { file, clock, log, signal } = deps;
  let text: string | undefined;
  let sinceMs = 0;
  let readAtMs = Number.NEGATIVE_INFINITY;
  let timer: Timer | undefined;

  async function look(one: SwitchFile): Promise<void> {
    const askedAtMs = clock.monotonicMs();
    // What cannot be read is there: whoever made it wanted something stopped.
    const found = await one.read().catch((error: unknown) => `unreadable: ${String(error)}`);
    readAtMs = askedAtMs;
    if (found === text) return;
    if (text === undefined) sinceMs = clock.nowMs();
    text = found;
    if (found === undefined) log.warn({ file: one.name }, "the switch file is gone: calls go on");
    else log.warn({ file: one.name, ...readSwitchFile(found) }, "the switch file stops calls");
    deps.changed();
  }

  async function poll(one: SwitchFile): Promise<void> {
    await look(one);
    if (!signal.aborted) timer = clock.after(readEveryMs, () => void poll(one));
  }

  return {
    start: async () => {
      if (file) await poll(file);
    },
    stop: () => timer?.cancel(),
    inForce(colo) {
      if (text === undefined) return [];
      const { colos, operations, reason } = readSwitchFile(text);
      if (colos && !colos.includes(colo)) return [];
      const principal = file?.name ?? "";
      return operations.map(
        (operation): Brake => ({ operation, reason, principal, sinceMs, source: "file" }),
      );
    },
    ageMs: () => (file ? clock.monotonicMs() - readAtMs : 0),
  };
}
