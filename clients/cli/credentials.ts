import { text } from "node:stream/consumers";
import { create, type JsonObject, toJson } from "@bufbuild/protobuf";
import type { Command } from "commander";
import {
  type Credentials,
  CredentialsSchema,
  ListCredentialsResponseSchema,
} from "../../src/gen/muster/v1/access_service_pb.js";
import { accountName, credentialsName, idOf } from "../node/index.js";
import { readSmallFile } from "./args.js";
import { type ExitCode, exitCode, UsageError } from "./exit.js";
import { isObject, jsonOptions } from "./json.js";
import { plain } from "./printer.js";
import { example, type Run } from "./run.js";
import type { Session } from "./session.js";
import { ageWords, instantWords } from "./words.js";

/** As whom an account's clouds are called. A secret goes in, and never comes out again. */
export function addCredentialCommands(program: Command, run: Run): void {
  const credentials = program
    .command("credentials")
    .description("The accounts' own credentials for the clouds; for administrators");
  addSet(credentials, run);
  const get = inColo(credentials, "get")
    .description("Show when they were written and by whom; never the secret")
    .action((account: string, { colo }: InColo, self: Command) =>
      run(self, (session) => getCredentials(session, { account, colo })),
    );
  example(get, "credentials get acme --colo iad");
  const list = credentials
    .command("list")
    .description("List for which colos an account has any")
    .argument("<account>", "the account's id")
    .action((account: string, _: unknown, self: Command) =>
      run(self, (session) => listCredentials(session, account)),
    );
  example(list, "credentials list acme");
  const remove = inColo(credentials, "delete")
    .description(
      "Delete them. The account's work in the colo stops and its groups say so; what was made\n" +
        "runs on, and nothing is taken for lost.",
    )
    .action((account: string, { colo }: InColo, self: Command) =>
      run(self, (session) => deleteCredentials(session, { account, colo })),
    );
  example(remove, "credentials delete acme --colo iad");
}

interface InColo {
  readonly colo: string;
}

interface Where extends InColo {
  readonly account: string;
}

const inColo = (credentials: Command, name: string): Command =>
  credentials
    .command(name)
    .argument("<account>", "the account's id")
    .requiredOption("--colo <id>", "for the cloud of this colo");

function addSet(credentials: Command, run: Run): void {
  const set = inColo(credentials, "set")
    .description(
      "Write them, in place of those before. The secret is a JSON object, as the colo's cloud\n" +
        "driver asks for it, and comes from a file or from standard input: what stands in a\n" +
        "command line, others can see. Of OpenStack:\n" +
        '  { "applicationCredentialId": "…", "applicationCredentialSecret": "…" }',
    )
    .option("--file <file>", "the secret; default: standard input", readSmallFile)
    .action((account: string, options: InColo & { readonly file?: string }, self: Command) =>
      run(self, (session) => setCredentials(session, { account, ...options })),
    );
  example(
    set,
    "credentials set acme --colo iad --file acme-iad.json",
    "pass show acme/iad | musterctl credentials set acme --colo iad",
  );
}

async function setCredentials(
  session: Session,
  { file, ...where }: Where & { readonly file?: string },
): Promise<ExitCode> {
  const secret = readSecret(file ?? (await text(session.io.stdin)));
  const request = { name: nameOf(where), secret };
  const answer = await session.client.access.setCredentials(request, session.call);
  return answerCredentials(session, answer.credentials);
}

/** Whatever is wrong with it: its text is shown nowhere, as a parser's own words would. */
function readSecret(json: string): JsonObject {
  let secret: unknown;
  try {
    secret = JSON.parse(json);
  } catch {
    throw new UsageError("the secret is not JSON");
  }
  if (!isObject(secret)) throw new UsageError("the secret is not a JSON object");
  return secret;
}

async function getCredentials(session: Session, where: Where): Promise<ExitCode> {
  const request = { name: nameOf(where) };
  const { credentials } = await session.client.access.getCredentials(request, session.call);
  return answerCredentials(session, credentials);
}

async function listCredentials(session: Session, account: string): Promise<ExitCode> {
  const request = { parent: accountName(account) };
  const answer = await session.client.access.listCredentials(request, session.call);
  session.print.answer(toJson(ListCredentialsResponseSchema, answer, jsonOptions), () => {
    const rows = answer.credentials.map((one) => [
      idOf(one.name),
      ageWords(one.setTime),
      plain(one.principal),
      one.revision,
      one.key,
    ]);
    session.print.table(["COLO", "SET", "BY", "REVISION", "KEY"], rows);
  });
  return exitCode.ok;
}

async function deleteCredentials(session: Session, where: Where): Promise<ExitCode> {
  const request = { name: nameOf(where) };
  await session.client.access.deleteCredentials(request, session.call);
  session.print.answer(request, () => {
    session.print.line(`credentials of ${where.account} for ${where.colo} deleted`);
  });
  return exitCode.ok;
}

function answerCredentials(session: Session, found: Credentials | undefined): ExitCode {
  const one = found ?? create(CredentialsSchema);
  session.print.answer(toJson(CredentialsSchema, one, jsonOptions), () => {
    session.print.facts([
      ["credentials", one.name],
      ["set", one.setTime ? instantWords(one.setTime) : "-"],
      ["by", plain(one.principal)],
      ["revision", one.revision],
      ["key", one.key],
    ]);
  });
  return exitCode.ok;
}

function nameOf({ account, colo }: Where): string {
  return credentialsName(account, colo);
}
