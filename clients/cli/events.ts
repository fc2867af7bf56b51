import { create, toJson } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { Command } from "commander";
import {
  type Event,
  type SearchEventsRequest,
  SearchEventsResponseSchema,
} from "../../src/gen/muster/v1/event_service_pb.js";
import { accountName } from "../node/index.js";
import { collect, readCount, readInstantMs } from "./args.js";
import { type FollowCommandOptions, follow } from "./event-follow.js";
import { eventCells } from "./event-lines.js";
import { type ExitCode, exitCode, UsageError } from "./exit.js";
import { jsonOptions } from "./json.js";
import { example, type Run } from "./run.js";
import type { Session } from "./session.js";

export function addEventCommands(program: Command, run: Run): void {
  const events = program
    .command("events")
    .description("What happens, with --follow, and what happened, the latest last")
    .argument("[group]", "only this group's, by its id")
    .option("--follow", "go on with what happens from now, over broken connections, until Ctrl-C")
    .option("--from-start", "follow from the beginning of what is kept")
    .option("--cursor <cursor>", "follow behind this cursor, of a stream with the same filter")
    .option("--type <type>", "only this type, e.g. scale.decided; repeatable", collect)
    .option("--limit <count>", "without --follow: at most so many; default 50", readCount)
    .action((group: string | undefined, options: EventOptions, self: Command) =>
      run(self, (session) => showEvents(session, group, options)),
    );
  example(
    events,
    "events web --follow --type scale.decided",
    "events --follow --from-start -o json",
  );
  addSearch(events, run);
}

function addSearch(events: Command, run: Run): void {
  const search = events
    .command("search")
    .description("Search the history, newest first")
    .argument("[words...]", "words that all must occur; the last may end in *")
    .option("--group <group>", "only this group's, by its id")
    .option("--server <server>", "only this server's, by its id")
    .option("--type <type>", "only this type; repeatable", collect)
    .option("--since <time>", "from then on: an instant, or how long ago (1h)", readInstantMs)
    .option("--until <time>", "until before then", readInstantMs)
    .option("--oldest-first", "oldest first instead of newest first")
    .option("--limit <count>", "at most so many; default 100", readCount)
    .action((words: readonly string[], options: SearchOptions, self: Command) =>
      run(self, (session) =>
        searchEvents(session, words, { ...self.optsWithGlobals(), ...options }),
      ),
    );
  example(search, "events search quota --group web --since 24h");
}

interface EventOptions extends FollowCommandOptions {
  readonly follow?: true;
  readonly limit?: number;
}

async function showEvents(session: Session, group: string | undefined, options: EventOptions) {
  if (options.follow === true) {
    if (options.limit !== undefined) throw new UsageError("--limit does not go with --follow");
    return follow(session, group, options);
  }
  if (options.fromStart === true || options.cursor !== undefined) {
    throw new UsageError("--from-start and --cursor need --follow");
  }
  const filter = { group: group ?? "", types: [...(options.type ?? [])] };
  const latest = await find(session, filter, options.limit ?? latestMaxDefault);
  answerEvents(session, latest.toReversed());
  return exitCode.ok;
}

const latestMaxDefault = 50;
const foundMaxDefault = 100;
const pageSizeMax = 1_000;

interface SearchOptions {
  readonly group?: string;
  readonly server?: string;
  readonly type?: readonly string[];
  readonly since?: number;
  readonly until?: number;
  readonly oldestFirst?: true;
  readonly limit?: number;
}

async function searchEvents(
  session: Session,
  words: readonly string[],
  options: SearchOptions,
): Promise<ExitCode> {
  const { since, until } = options;
  const filter = {
    group: options.group ?? "",
    server: options.server ?? "",
    types: [...(options.type ?? [])],
    text: words.join(" "),
    oldestFirst: options.oldestFirst === true,
    ...(since === undefined ? {} : { startTime: timestampFromMs(since) }),
    ...(until === undefined ? {} : { endTime: timestampFromMs(until) }),
  };
  answerEvents(session, await find(session, filter, options.limit ?? foundMaxDefault));
  return exitCode.ok;
}

type Filter = Partial<Omit<SearchEventsRequest, "$typeName" | "$unknown">>;

async function find(session: Session, filter: Filter, countMax: number): Promise<readonly Event[]> {
  const found: Event[] = [];
  let pageToken = "";
  while (found.length < countMax) {
    const pageSize = Math.min(countMax - found.length, pageSizeMax);
    const request = { ...filter, parent: accountName(session.account), pageSize, pageToken };
    const page = await session.client.events.searchEvents(request, session.call);
    found.push(...page.events);
    if (page.nextPageToken === "") break;
    pageToken = page.nextPageToken;
  }
  return found.slice(0, countMax);
}

function answerEvents(session: Session, events: readonly Event[]): void {
  const answer = create(SearchEventsResponseSchema, { events: [...events] });
  session.print.answer(toJson(SearchEventsResponseSchema, answer, jsonOptions), () => {
    const rows = events.map((one) => eventCells(session.print, one));
    session.print.table(["TIME", "TYPE", "WHERE", "WHAT"], rows);
  });
}
