import { create, toJson } from "@bufbuild/protobuf";
import type { Command } from "commander";
import {
  CreateNotifierResponseSchema,
  ListNotifiersResponseSchema,
} from "../../src/gen/muster/v1/notifier_service_pb.js";
import { idOf, notifierName } from "../node/index.js";
import { type ExitCode, exitCode } from "./exit.js";
import { allPages, jsonOptions, pageSizeMax } from "./json.js";
import { plain } from "./printer.js";
import { example, type Run } from "./run.js";
import type { Session } from "./session.js";
import { instantWords } from "./words.js";

interface CreateOptions {
  readonly url: string;
  readonly type: readonly string[];
  readonly id?: string;
  readonly displayName?: string;
}

/** URLs that are told what happens in a group. */
export function addNotifierCommands(program: Command, run: Run): void {
  const notifiers = program
    .command("notifiers")
    .description("URLs that are told what happens in a group");
  const make = notifiers
    .command("create")
    .description("Create a notifier and print the secret that signs: now, and never again")
    .argument("<group>", "the group's id")
    .requiredOption("--url <url>", "where to post")
    .requiredOption("--type <types...>", "which events, such as scale.decided")
    .option("--id <id>", "its id; default: made up")
    .option("--display-name <text>", "for people; default: the host it posts to")
    .action((group: string, options: CreateOptions, self: Command) =>
      run(self, (session) => createNotifier(session, group, options)),
    );
  const url = "https://chat.example/hooks/muster";
  example(make, `notifiers create web --url ${url} --type scale.decided group.held`);
  const list = notifiers
    .command("list")
    .description("List a group's notifiers, without their secrets")
    .argument("<group>", "the group's id")
    .action((group: string, _: unknown, self: Command) =>
      run(self, (session) => listNotifiers(session, group)),
    );
  example(list, "notifiers list web");
  const remove = notifiers
    .command("delete")
    .description("Delete a notifier")
    .argument("<group>", "the group's id")
    .argument("<notifier>", "the notifier's id")
    .action((group: string, notifier: string, _: unknown, self: Command) =>
      run(self, (session) => deleteNotifier(session, group, notifier)),
    );
  example(remove, "notifiers delete web chat");
}

async function createNotifier(
  session: Session,
  group: string,
  { url, type: types, id = "", displayName }: CreateOptions,
): Promise<ExitCode> {
  const host = URL.canParse(url) ? new URL(url).host : url;
  const notifier = { displayName: displayName ?? host, url, types: [...types] };
  const request = { parent: session.group(group), notifierId: id, notifier };
  const answer = await session.client.notifiers.createNotifier(request, session.call);
  session.print.answer(toJson(CreateNotifierResponseSchema, answer, jsonOptions), () => {
    session.print.line(`notifier ${group}/${idOf(answer.notifier?.name ?? "")} created`);
    session.print.line(`  ${answer.secret}`);
    session.print.note("this secret signs what is sent; it is not shown again");
  });
  return exitCode.ok;
}

async function listNotifiers(session: Session, group: string): Promise<ExitCode> {
  const notifiers = await allPages(async (pageToken) => {
    const request = { parent: session.group(group), pageSize: pageSizeMax, pageToken };
    const page = await session.client.notifiers.listNotifiers(request, session.call);
    return { items: page.notifiers, nextPageToken: page.nextPageToken };
  });
  const answer = create(ListNotifiersResponseSchema, { notifiers: [...notifiers] });
  session.print.answer(toJson(ListNotifiersResponseSchema, answer, jsonOptions), () => {
    const rows = notifiers.map((one) => [
      idOf(one.name),
      instantWords(one.createTime),
      plain(one.principal),
      plain(one.url),
      one.types.join(" "),
    ]);
    session.print.table(["NOTIFIER", "SINCE", "BY", "URL", "TYPES"], rows);
  });
  return exitCode.ok;
}

async function deleteNotifier(
  session: Session,
  group: string,
  notifier: string,
): Promise<ExitCode> {
  const name = notifierName({ account: session.account, group, notifier });
  await session.client.notifiers.deleteNotifier({ name }, session.call);
  session.print.answer({ name }, () => session.print.line(`notifier ${group}/${notifier} deleted`));
  return exitCode.ok;
}
