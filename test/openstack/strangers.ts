import type { Ownership } from "../../src/core/model/server.js";
import { marksOf } from "../../src/drivers/cloud-openstack/ownership.js";
import type { BedFacts } from "./bed-facts.js";
import type { Caller } from "./caller.js";
import { createServer, getServer, type NovaServer, serverAfter } from "./servers.js";

type Looks = Pick<NovaServer, "id" | "name" | "status" | "created" | "metadata" | "tags">;

/** A server that is not Muster's, and all of it that Muster might have changed. */
export interface Stranger {
  readonly id: string;
  readonly kind: string;
  readonly looks: Looks;
}

/**
 * Servers of somebody else, as like to one of Muster's as a user can make them: all that a server
 * of an account carries, its owner may copy.
 *
 * @param own whose the copied server is
 */
export async function makeStrangers(
  caller: Caller,
  facts: BedFacts,
  { server, own }: { readonly server: NovaServer; readonly own: Ownership },
): Promise<readonly Stranger[]> {
  const { name, metadata, tags } = server;
  const elsewhere = marksOf({ ...own, installation: `${own.installation}-other` });
  const kinds = {
    plain: { name: `${own.group}-plain` },
    "of a like name": { name: `${name.slice(0, -1)}~` },
    "of the same name": { name },
    "with copied tags": { name, tags },
    "with copied metadata": { name, metadata },
    "of another installation": { name, ...elsewhere },
    "half another installation's": { name, tags, metadata: elsewhere.metadata },
    copy: { name, metadata, tags },
  };
  const all = Object.entries(kinds).map(([kind, body]) => makeOne(caller, facts, kind, body));
  return Promise.all(all);
}

/** The same server once more, as from its own template. */
export function makeCopy(caller: Caller, facts: BedFacts, server: NovaServer): Promise<Stranger> {
  const { name, metadata, tags } = server;
  return makeOne(caller, facts, "copy", { name, metadata, tags });
}

async function makeOne(
  caller: Caller,
  facts: BedFacts,
  kind: string,
  body: Parameters<typeof createServer>[2],
): Promise<Stranger> {
  const id = await createServer(caller, facts, body);
  return { id, kind, looks: looksOf(await serverAfter(caller, id, "BUILD")) };
}

/** How they look now. Undefined: it is gone. */
export function lookAt(caller: Caller, strangers: readonly Stranger[]) {
  return Promise.all(
    strangers.map(async ({ id, kind }) => {
      const server = await getServer(caller, id);
      return { id, kind, looks: server && looksOf(server) };
    }),
  );
}

function looksOf({ id, name, status, created, metadata, tags }: NovaServer): Looks {
  return { id, name, status, created, metadata, tags };
}
