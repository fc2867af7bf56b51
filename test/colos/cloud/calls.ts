import { open, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { CloudDriver } from "../../../src/core/ports/cloud.js";

/** What a cloud was asked to do, and did, in the order in which it did it. */
export interface CloudCall {
  readonly kind: "create" | "delete";
  readonly cloudId: string;
  /** The group's and the server's ids, as the ledger has them. */
  readonly group: string;
  readonly server: string;
  readonly atMs: number;
}

const fileName = "calls.ndjson";

/**
 * The cloud, with every change on record and on disk before it is answered. Changes are made one at
 * a time, each together with its record: so the record's order is that of the changes, and none is
 * left out, whoever asked for it and died.
 */
export async function recorded(cloud: CloudDriver, dataDir: string): Promise<CloudDriver> {
  const file = await open(join(dataDir, fileName), "a");
  const owners = new Map<string, Pick<CloudCall, "group" | "server">>();
  let queue: Promise<unknown> = Promise.resolve();
  const alone = <Answer>(change: () => Promise<Answer>): Promise<Answer> => {
    const mine = queue.then(change);
    queue = mine.catch(() => {});
    return mine;
  };
  const write = async (kind: CloudCall["kind"], cloudId: string) => {
    const { group = "", server = "" } = owners.get(cloudId) ?? {};
    const call: CloudCall = { kind, cloudId, group, server, atMs: Date.now() };
    await file.appendFile(`${JSON.stringify(call)}\n`);
    await file.datasync();
  };
  return {
    ...cloud,
    createServer: (request, call) =>
      alone(async () => {
        const made = await cloud.createServer(request, call);
        const { group, server } = request.ownership;
        owners.set(made.id, { group, server });
        await write("create", made.id);
        return made;
      }),
    deleteServer: (request, call) =>
      alone(async () => {
        const answer = await cloud.deleteServer(request, call);
        if (owners.has(request.id)) await write("delete", request.id);
        owners.delete(request.id);
        return answer;
      }),
  };
}

/** All changes of the cloud with this data folder, in their order. */
export async function callsOf(dataDir: string): Promise<readonly CloudCall[]> {
  const lines = (await readFile(join(dataDir, fileName), "utf8")).split("\n");
  return lines.filter((line) => line !== "").map((line) => JSON.parse(line) as CloudCall);
}
