import { create, toJson } from "@bufbuild/protobuf";
import { type Command, Option } from "commander";
import {
  CreateWebhookResponseSchema,
  ListWebhooksResponseSchema,
  RotateWebhookResponseSchema,
  type Webhook,
  type WebhookToken,
  WebhookUse,
} from "../../src/gen/muster/v1/webhook_service_pb.js";
import { idOf, policyName, webhookName } from "../node/index.js";
import { type ExitCode, exitCode } from "./exit.js";
import { allPages, jsonOptions, pageSizeMax } from "./json.js";
import { plain } from "./printer.js";
import { example, type Run } from "./run.js";
import type { GlobalOptions, Session } from "./session.js";
import { instantWords, numberOf, webhookUseWord, wordsOf } from "./words.js";

interface CreateOptions {
  readonly use: string;
  readonly id?: string;
  readonly displayName?: string;
}

type Path = Readonly<Record<"group" | "policy", string>>;

/** Capabilities of policies: URLs that may do one thing without any other token. */
export function addWebhookCommands(program: Command, run: Run): void {
  const webhooks = program
    .command("webhooks")
    .description("URLs that may execute a policy or report alerts to it, without any other token");
  const create = ofPolicy(webhooks, "create")
    .description("Create a webhook and print its URL: now, and never again")
    .addOption(
      new Option("--use <use>", "what it may do")
        .choices(wordsOf(WebhookUse))
        .makeOptionMandatory(),
    )
    .option("--id <id>", "its id; default: made up")
    .option("--display-name <text>", "for people; default: its use")
    .action((group: string, policy: string, options: CreateOptions, self: Command) =>
      run(self, (session) => createWebhook(session, { group, policy }, { options, self })),
    );
  example(
    create,
    "webhooks create web up --use execute --display-name CI",
    "webhooks create web up --use group-alerts --id alertmanager",
  );
  const list = ofPolicy(webhooks, "list")
    .description("List a policy's webhooks, without their tokens")
    .action((group: string, policy: string, _: unknown, self: Command) =>
      run(self, (session) => listWebhooks(session, { group, policy })),
    );
  example(list, "webhooks list web up");
  const rotate = ofPolicy(webhooks, "rotate")
    .argument("<webhook>", "the webhook's id")
    .description("Give a webhook another URL and print it; the one before ends at once")
    .action((group: string, policy: string, webhook: string, _: unknown, self: Command) =>
      run(self, (session) => rotateWebhook(session, { group, policy, webhook }, self)),
    );
  example(rotate, "webhooks rotate web up alertmanager");
  const remove = ofPolicy(webhooks, "delete")
    .argument("<webhook>", "the webhook's id")
    .description("Delete a webhook; its URL ends at once")
    .action((group: string, policy: string, webhook: string, _: unknown, self: Command) =>
      run(self, (session) => deleteWebhook(session, { group, policy, webhook })),
    );
  example(remove, "webhooks delete web up ci");
}

const ofPolicy = (webhooks: Command, name: string): Command =>
  webhooks
    .command(name)
    .argument("<group>", "the group's id")
    .argument("<policy>", "the policy's id");

async function createWebhook(
  session: Session,
  path: Path,
  { options, self }: { readonly options: CreateOptions; readonly self: Command },
): Promise<ExitCode> {
  const { use, id = "", displayName = use } = options;
  const answer = await session.client.webhooks.createWebhook(
    {
      parent: policyName({ account: session.account, ...path }),
      webhookId: id,
      webhook: { displayName, use: numberOf(WebhookUse, use) },
    },
    session.call,
  );
  session.print.answer(toJson(CreateWebhookResponseSchema, answer, jsonOptions), () => {
    const name = idOf(answer.webhook?.name ?? "");
    session.print.line(`webhook ${path.group}/${path.policy}/${name} created`);
    printUrls(session, answer.token, self);
  });
  return exitCode.ok;
}

async function rotateWebhook(
  session: Session,
  path: Path & { readonly webhook: string },
  self: Command,
): Promise<ExitCode> {
  const name = webhookName({ account: session.account, ...path });
  const answer = await session.client.webhooks.rotateWebhook({ name }, session.call);
  session.print.answer(toJson(RotateWebhookResponseSchema, answer, jsonOptions), () => {
    session.print.line(`webhook ${path.group}/${path.policy}/${path.webhook} rotated`);
    printUrls(session, answer.token, self);
  });
  return exitCode.ok;
}

/** As this machine reaches Muster: a sender elsewhere may know it by another name. */
function printUrls(session: Session, token: WebhookToken | undefined, self: Command): void {
  const { address, caFile } = self.optsWithGlobals<GlobalOptions>();
  const scheme = caFile === undefined ? "http" : "https";
  const base = address.includes("://") ? address.replace(/\/+$/, "") : `${scheme}://${address}`;
  for (const path of token?.paths ?? []) session.print.line(`  ${base}${path}`);
  session.print.note("whoever has the URL may use it; it is not shown again");
}

async function listWebhooks(session: Session, path: Path): Promise<ExitCode> {
  const parent = policyName({ account: session.account, ...path });
  const webhooks = await allPages(async (pageToken) => {
    const request = { parent, pageSize: pageSizeMax, pageToken };
    const page = await session.client.webhooks.listWebhooks(request, session.call);
    return { items: page.webhooks, nextPageToken: page.nextPageToken };
  });
  const answer = create(ListWebhooksResponseSchema, { webhooks: [...webhooks] });
  session.print.answer(toJson(ListWebhooksResponseSchema, answer, jsonOptions), () => {
    const head = ["WEBHOOK", "USE", "TOKEN SINCE", "BY", "DISPLAY NAME"];
    session.print.table(head, webhooks.map(rowOf));
  });
  return exitCode.ok;
}

const rowOf = (one: Webhook): readonly string[] => [
  idOf(one.name),
  webhookUseWord(one.use),
  instantWords(one.tokenTime),
  plain(one.principal),
  plain(one.displayName),
];

async function deleteWebhook(
  session: Session,
  path: Path & { readonly webhook: string },
): Promise<ExitCode> {
  const name = webhookName({ account: session.account, ...path });
  await session.client.webhooks.deleteWebhook({ name }, session.call);
  session.print.answer({ name }, () =>
    session.print.line(`webhook ${path.group}/${path.policy}/${path.webhook} deleted`),
  );
  return exitCode.ok;
}
