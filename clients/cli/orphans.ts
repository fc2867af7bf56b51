import { create, toJson } from "@bufbuild/protobuf";
import type { Command } from "commander";
import {
  ListOrphansResponseSchema,
  OrphanSchema,
  ServerSchema,
} from "../../src/gen/muster/v1/server_service_pb.js";
import { accountName, idOf } from "../node/index.js";
import { type ExitCode, exitCode } from "./exit.js";
import { jsonOptions } from "./json.js";
import { plain } from "./printer.js";
import { example, type Run } from "./run.js";
import type { Session } from "./session.js";
import { ageWords } from "./words.js";

/** Servers that carry our tags but belong to no ledger: seen, adopted or deleted by a person. */
export function addOrphanCommands(program: Command, run: Run): void {
  const orphans = program
    .command("orphans")
    .description("Servers with Muster's tags that no group's ledger knows");
  const list = orphans
    .command("list")
    .description("List them; nothing is done to them unasked")
    .action((_: unknown, self: Command) => run(self, listOrphans));
  example(list, "orphans list");
  const adopt = orphans
    .command("adopt")
    .description("Make an orphan, or a server without tags, one of a group's")
    .argument("<group>", "the group's id")
    .argument("<colo>", "the colo's id")
    .argument("<cloud-id>", "the cloud's own id of the server")
    .option("--keep-target", "keep the target; otherwise it grows by one")
    .action((group: string, colo: string, id: string, options: AdoptOptions, self: Command) =>
      run(self, (session) => adoptServer(session, group, { colo, cloudId: id }, options)),
    );
  example(adopt, "orphans adopt web iad 7c9e6679-7425-40de-944b-e07fc1f90ae7");
  const remove = orphans
    .command("delete")
    .description("Delete an orphan that was reported")
    .argument("<colo>", "the colo's id")
    .argument("<cloud-id>", "the cloud's own id of the server")
    .action((colo: string, cloudId: string, _: unknown, self: Command) =>
      run(self, (session) => deleteOrphan(session, { colo, cloudId })),
    );
  example(remove, "orphans delete iad 7c9e6679-7425-40de-944b-e07fc1f90ae7");
}

interface AdoptOptions {
  readonly keepTarget?: true;
}

interface InCloud {
  readonly colo: string;
  readonly cloudId: string;
}

async function listOrphans(session: Session): Promise<ExitCode> {
  const request = { parent: accountName(session.account) };
  const answer = await session.client.servers.listOrphans(request, session.call);
  session.print.answer(toJson(ListOrphansResponseSchema, answer, jsonOptions), () => {
    const head = ["CLOUD ID", "COLO", "GROUP", "NAME", "CLAIMS", "WHY", "SEEN"];
    const rows = answer.orphans.map((one) => [
      plain(one.cloudId),
      one.colo,
      plain(one.group),
      plain(one.displayName),
      plain(one.claims),
      `${one.why}${one.deleteOrderTime ? ", being deleted" : ""}`,
      ageWords(one.firstSeenTime),
    ]);
    session.print.table(head, rows);
  });
  return exitCode.ok;
}

async function adoptServer(
  session: Session,
  group: string,
  where: InCloud,
  { keepTarget }: AdoptOptions,
): Promise<ExitCode> {
  const request = { parent: session.group(group), ...where, keepTarget: keepTarget === true };
  const { server = create(ServerSchema) } = await session.client.servers.adoptServer(
    request,
    session.call,
  );
  session.print.answer(toJson(ServerSchema, server, jsonOptions), () => {
    session.print.line(`${where.cloudId} is server ${idOf(server.name)} of group ${group}`);
  });
  return exitCode.ok;
}

async function deleteOrphan(session: Session, where: InCloud): Promise<ExitCode> {
  const request = { parent: accountName(session.account), ...where };
  const { orphan = create(OrphanSchema) } = await session.client.servers.deleteOrphan(
    request,
    session.call,
  );
  session.print.answer(toJson(OrphanSchema, orphan, jsonOptions), () => {
    session.print.line(`${where.cloudId} is being deleted`);
  });
  return exitCode.ok;
}
