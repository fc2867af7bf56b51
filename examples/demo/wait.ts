import { setTimeout as sleep } from "node:timers/promises";

const lookMs = 100;

/**
 * Looks again and again until it is so. @throws Error naming what did not come, or the signal's
 * reason
 */
export async function waitUntil(
  what: string,
  isSo: () => boolean | Promise<boolean>,
  { withinMs, signal }: { readonly withinMs: number; readonly signal: AbortSignal },
): Promise<void> {
  const endMs = performance.now() + withinMs;
  while (!(await isSo())) {
    if (performance.now() > endMs) throw new Error(`${what}: not within ${withinMs / 1_000} s`);
    await waitFor(lookMs, signal);
  }
}

/** @throws the signal's reason */
export async function waitFor(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => signal.throwIfAborted());
}

export const wordsOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);
