/** Hundreds wait with one signal: it gets one listener of ours, not one for each of them. */
const waitingFor = new WeakMap<AbortSignal, Set<() => void>>();

/** Runs `task` when the signal aborts, until told to stop. The signal must not be aborted yet. */
export function onAbort(signal: AbortSignal, task: () => void): () => void {
  const tasks = waitingFor.get(signal) ?? listen(signal);
  tasks.add(task);
  return () => void tasks.delete(task);
}

function listen(signal: AbortSignal): Set<() => void> {
  const tasks = new Set<() => void>();
  waitingFor.set(signal, tasks);
  const abort = () => {
    for (const task of tasks) task();
  };
  signal.addEventListener("abort", abort, { once: true });
  return tasks;
}
