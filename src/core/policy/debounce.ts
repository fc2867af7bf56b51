import type { DebounceWindow, PolicyMarks } from "../model/placement.js";
import type { AlertState, Policy } from "../model/policy.js";
import type { ScaleEvent } from "../model/scale-event.js";
import type { Direction } from "./numbers.js";

/** No window is longer, whatever a policy says (B3.1). */
export const debounceMaxMs = 3_600_000;

type Windows = NonNullable<PolicyMarks["windows"]>;

/**
 * How long the event's window is: none by hand and for schedules, the policy's for the rest
 * (B3.1).
 */
export function windowMsOf(event: ScaleEvent, policy: Policy): number {
  const repeats =
    event.ask.kind === "alert" || event.source === "webhook" || event.source === "circleBack";
  return repeats ? Math.min(policy.debounceMs, debounceMaxMs) : 0;
}

/** Target tracking goes by what is measured, whatever state its monitor calls that. */
export type DebounceState = AlertState | "measured" | "asked";

/** What merges with what: events of one policy, state and direction. */
export function windowKey(state: DebounceState, direction: Direction): string {
  return `${state}/${direction}`;
}

/** The open window that an event merges into; undefined where it may act itself. */
export function openWindow(
  windows: Windows | undefined,
  key: string,
  { windowMs, nowMs }: { readonly windowMs: number; readonly nowMs: number },
): DebounceWindow | undefined {
  if (windows === undefined || !Object.hasOwn(windows, key)) return undefined;
  const window = windows[key];
  return window !== undefined && stillOpen(window, windowMs, nowMs) ? window : undefined;
}

/**
 * The windows after an event has acted: its own opened, those that are over pruned. An event
 * without a window of its own (`windowMs` 0) opens none, and what others opened stays.
 */
export function openedWindows(
  windows: Windows | undefined,
  opened: { readonly key: string; readonly window: DebounceWindow; readonly windowMs: number },
): Windows | undefined {
  if (opened.windowMs <= 0) return windows;
  const nowMs = opened.window.openedAtMs;
  const kept = Object.entries(windows ?? {}).filter(([, window]) =>
    stillOpen(window, opened.windowMs, nowMs),
  );
  return { ...Object.fromEntries(kept), [opened.key]: opened.window };
}

function stillOpen(window: DebounceWindow, windowMs: number, nowMs: number): boolean {
  return nowMs - window.openedAtMs < windowMs;
}
