/**
 * A signal that aborts with either of two. By hand, since on Node 20 a signal of `AbortSignal.any`
 * may be collected as garbage, and then never fires.
 */
export function joinSignals(
  one: AbortSignal,
  other: AbortSignal,
): { readonly signal: AbortSignal; readonly release: () => void } {
  const controller = new AbortController();
  const abort = () => controller.abort();
  for (const source of [one, other]) {
    if (source.aborted) abort();
    source.addEventListener("abort", abort, { once: true });
  }
  return {
    signal: controller.signal,
    release() {
      for (const source of [one, other]) source.removeEventListener("abort", abort);
    },
  };
}
