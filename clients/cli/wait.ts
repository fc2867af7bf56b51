import { setTimeout as delay } from "node:timers/promises";
import { Code, ConnectError } from "@connectrpc/connect";
import type { Group } from "../../src/gen/muster/v1/group_pb.js";
import { explainError, idOf } from "../node/index.js";
import { WaitTimeoutError } from "./exit.js";
import { createProgress } from "./progress.js";
import { isRebuilding } from "./rebuild-words.js";
import type { Session } from "./session.js";
import { standingOf, waitWords } from "./standing.js";
import { spanWords } from "./words.js";

const lookMsMin = 100;
const lookMsMax = 2_000;
const callMsMax = 10_000;

/** Resolves once every placement is converged at its target. Throws WaitTimeoutError. */
export async function waitConverged(session: Session, name: string): Promise<Group> {
  const done = await waitUntil(session, name, (group) => {
    return group !== undefined && standingOf(group).converged;
  });
  if (done === undefined) throw new Error(`${idOf(name)} is gone`);
  return done;
}

/** Resolves once no placement is being rebuilt, however that ended. Throws WaitTimeoutError. */
export async function waitRebuilt(session: Session, name: string): Promise<Group> {
  const done = await waitUntil(
    session,
    name,
    (group) => group !== undefined && !isRebuilding(group),
  );
  if (done === undefined) throw new Error(`${idOf(name)} is gone`);
  return done;
}

/** Resolves once the group is gone, its servers confirmed gone. Throws WaitTimeoutError. */
export async function waitGone(session: Session, name: string): Promise<void> {
  await waitUntil(session, name, (group) => group === undefined);
}

/** Looks often at first, then every two seconds. A group that is gone ends every wait. */
async function waitUntil(
  session: Session,
  name: string,
  isDone: (group: Group | undefined) => boolean,
): Promise<Group | undefined> {
  const { signal } = session.io;
  const endMs = performance.now() + session.waitMs;
  const progress = await createProgress(session.io);
  let words = `${idOf(name)}: not looked at yet`;
  let lookMs = lookMsMin;
  try {
    for (;;) {
      const leftMs = Math.ceil(endMs - performance.now());
      if (leftMs <= 0) throw new WaitTimeoutError(timeoutWords(session, words));
      const seen = await look(session, name, Math.min(leftMs, callMsMax));
      // A look that was cut short by the end of the wait says nothing; what was seen before does.
      if (seen.kind === "unseen") words = performance.now() < endMs ? seen.words : words;
      else if (seen.group === undefined || isDone(seen.group)) return seen.group;
      else words = waitWords(seen.group);
      progress.update(words);
      const restMs = Math.max(1, endMs - performance.now());
      await delay(Math.min(lookMs, restMs), undefined, { signal });
      lookMs = Math.min(lookMs * 1.5, lookMsMax);
    }
  } finally {
    progress.stop();
  }
}

const timeoutWords = (session: Session, words: string): string =>
  `timed out after ${spanWords(session.waitMs)}; what was asked for stands, but ${words}`;

type Look =
  | { readonly kind: "seen"; readonly group: Group | undefined }
  | { readonly kind: "unseen"; readonly words: string };

/** A server that cannot answer just now is no reason to stop waiting. */
async function look(session: Session, name: string, timeoutMs: number): Promise<Look> {
  const { signal } = session.io;
  try {
    const { group } = await session.client.groups.getGroup({ name }, { signal, timeoutMs });
    return { kind: "seen", group };
  } catch (error) {
    signal.throwIfAborted();
    const { code } = ConnectError.from(error);
    if (code === Code.NotFound) return { kind: "seen", group: undefined };
    if (!passing.has(code)) throw error;
    const { reason, message } = explainError(error);
    return {
      kind: "unseen",
      words: `${idOf(name)}: no answer (${reason ?? message}), asking again`,
    };
  }
}

const passing: ReadonlySet<Code> = new Set([
  Code.Unavailable,
  Code.DeadlineExceeded,
  Code.ResourceExhausted,
  Code.Aborted,
]);
