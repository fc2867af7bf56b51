import { toJson } from "@bufbuild/protobuf";
import { EventSchema } from "../../src/gen/muster/v1/event_service_pb.js";
import { accountName, explainError, type FollowRetry, followEvents } from "../node/index.js";
import { eventLine } from "./event-lines.js";
import { type ExitCode, exitCode, UsageError } from "./exit.js";
import { jsonOptions } from "./json.js";
import { plain } from "./printer.js";
import type { Session } from "./session.js";

export interface FollowCommandOptions {
  readonly fromStart?: true;
  readonly cursor?: string;
  readonly type?: readonly string[];
}

/** Prints events as they come, until Ctrl-C or for `--timeout`. */
export async function follow(
  session: Session,
  group: string | undefined,
  options: FollowCommandOptions,
): Promise<ExitCode> {
  if (options.fromStart === true && options.cursor !== undefined) {
    throw new UsageError("--from-start and --cursor exclude each other");
  }
  let cursor = "";
  const tellRetry = (retry: FollowRetry) => {
    // Nothing was ever heard: rather a wrong address or a server that is down than a hiccup.
    if (cursor === "" && retry.error !== undefined) throw retry.error;
    session.print.note(retryWords(retry));
  };
  const end = endOfFollowing(session);
  const batches = followEvents(session.client, {
    parent: accountName(session.account),
    group: group ?? "",
    types: options.type ?? [],
    cursor: options.cursor ?? "",
    fromStart: options.fromStart === true,
    signal: end.signal,
    onRetry: tellRetry,
  });
  try {
    for await (const batch of batches) {
      for (const event of batch.events) {
        await session.print.streamed(
          () => toJson(EventSchema, event, jsonOptions),
          () => eventLine(session.print, event),
        );
      }
      cursor = batch.cursor;
    }
  } finally {
    end.forget();
  }
  if (cursor !== "") session.print.note(`to go on from here: --cursor ${cursor}`);
  return exitCode.ok;
}

/** Ctrl-C, or the end of `--timeout`. */
function endOfFollowing({ io, followMs }: Session) {
  const end = new AbortController();
  const stop = () => end.abort();
  io.signal.addEventListener("abort", stop, { once: true });
  const timer = followMs === undefined ? undefined : setTimeout(stop, followMs);
  return {
    signal: end.signal,
    forget() {
      clearTimeout(timer);
      io.signal.removeEventListener("abort", stop);
    },
  };
}

function retryWords({ error, delayMs }: FollowRetry): string {
  const explained = error === undefined ? undefined : explainError(error);
  const why = explained?.reason ?? explained?.message ?? "the server ended the stream";
  return plain(`connection lost (${why}); going on in ${(delayMs / 1_000).toFixed(1)} s`);
}
