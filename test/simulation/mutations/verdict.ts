import { join } from "node:path";
import { run } from "node:test";
import type { Run } from "./mutation.js";

/** What a run said of the code without the guard. */
export type Verdict =
  | { readonly kind: "caught"; readonly by: string }
  | { readonly kind: "missed" }
  /** It failed, but by nothing that was asserted: that proves nothing. */
  | { readonly kind: "broken"; readonly why: string };

/** In real time. What hangs is not caught. */
const runMsMax = 90_000;

export async function judge(path: string, { file, test }: Run): Promise<Verdict> {
  const signal = AbortSignal.timeout(runMsMax);
  const verdicts: Verdict[] = [];
  const stray: string[] = [];
  const stream = run({
    files: [join(path, "test", `${file}.js`)],
    testNamePatterns: [new RegExp(`^${test.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")}`)],
    signal,
  });
  for await (const event of stream) {
    if (event.type !== "test:pass" && event.type !== "test:fail") continue;
    const { data } = event;
    if (data.skip !== undefined) continue;
    // A suite fails with its tests, and says nothing of its own.
    if (event.type === "test:fail" && isOfSubtests(data.details.error)) continue;
    const failure = event.type === "test:fail" ? messageOf(event.data.details.error) : undefined;
    if (data.name.startsWith(test)) verdicts.push(verdictOf(failure));
    else if (failure !== undefined) stray.push(`${data.name}: ${failure.text}`);
  }
  if (signal.aborted) return { kind: "broken", why: `not done after ${runMsMax} ms` };
  const caught = verdicts.find(({ kind }) => kind === "caught");
  const broken = verdicts.find(({ kind }) => kind === "broken");
  if (caught ?? broken) return caught ?? broken!;
  if (verdicts.length > 0) return { kind: "missed" };
  return { kind: "broken", why: stray[0] ?? `${file} has no test that begins with "${test}"` };
}

function isOfSubtests(error: { readonly failureType?: string }): boolean {
  return error.failureType === "subtestsFailed";
}

interface Failure {
  readonly text: string;
  readonly asserted: boolean;
}

function verdictOf(failure: Failure | undefined): Verdict {
  if (!failure) return { kind: "missed" };
  const text = failure.text.split("\n").find((line) => line.trim() !== "") ?? "";
  return failure.asserted ? { kind: "caught", by: text } : { kind: "broken", why: text };
}

/** An assertion, a wait on the virtual clock that did not end, or a finding of the oracle. */
function messageOf(error: { readonly cause?: unknown; readonly message?: string }): Failure {
  const cause = (error.cause ?? error) as { code?: string; message?: string };
  const text = String(cause.message ?? cause);
  const asserted =
    cause.code === "ERR_ASSERTION" ||
    /^not .* within \d+ ms|^(I\d+|L1) \(|^Property failed after/.test(text);
  return { text, asserted };
}
