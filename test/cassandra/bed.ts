import { randomUUID } from "node:crypto";
import { type MigrateOptions, migrate } from "../../src/drivers/store-cassandra/index.js";
import { openSession } from "../../src/drivers/store-cassandra/session.js";
import { type BedNode, bedNodes } from "./bed/node.js";
import { cqlPort } from "./bed/settings.js";

/** How to reach a keyspace of one test's own. */
export type Home = Pick<MigrateOptions, "contactPoints" | "dataCenter" | "keyspace"> & {
  readonly requestTimeoutMs: number;
  readonly remove: () => Promise<void>;
};

/** Longer than a loaded machine ever takes to answer. */
export const patientMs = 20_000;

export const nodes: readonly BedNode[] = bedNodes();
export const [firstNode] = nodes as readonly [BedNode, ...BedNode[]];

export function addressOf(node: BedNode): string {
  return `${node.address}:${cqlPort}`;
}

/** A new keyspace with its tables, kept in as many copies as there are nodes, three at most. */
export async function makeHome(): Promise<Home> {
  const keyspace = `t${randomUUID().replaceAll("-", "").slice(0, 12)}`;
  const { dataCenter } = firstNode;
  const contactPoints = nodes.filter((one) => one.dataCenter === dataCenter).map(addressOf);
  const replicas = Object.fromEntries(
    [...new Set(nodes.map((one) => one.dataCenter))].map((name) => [
      name,
      Math.min(3, nodes.filter((one) => one.dataCenter === name).length),
    ]),
  );
  const where = { contactPoints, dataCenter, keyspace, requestTimeoutMs: patientMs };
  await migrate({ ...where, replicas });
  return {
    ...where,
    async remove() {
      const session = await openSession(where);
      await session.define(`DROP KEYSPACE ${keyspace}`);
      await session.close();
    },
  };
}
