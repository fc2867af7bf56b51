import { randomUUID } from "node:crypto";
import { type MigrateOptions, migrate } from "../../src/drivers/store-cassandra/migrate.js";
import { tablesOf } from "../../src/drivers/store-cassandra/schema.js";
import { openSession } from "../../src/drivers/store-cassandra/session.js";
import { patiently } from "../patiently.js";
import { type BedNode, bedNodes } from "./bed/node.js";
import { cqlPort } from "./bed/settings.js";

/** How to reach a keyspace of one test's own. */
export type Home = Pick<MigrateOptions, "contactPoints" | "dataCenter" | "keyspace"> & {
  readonly requestTimeoutMs: number;
  /** Forgets all that is kept there, but not the tables: those take long to make. */
  readonly empty: () => Promise<void>;
  readonly remove: () => Promise<void>;
};

/** Longer than a loaded machine ever takes to answer. */
export const patientMs = 20_000;

export const nodes: readonly BedNode[] = bedNodes();
export const [firstNode] = nodes as readonly [BedNode, ...BedNode[]];

/** Those of the first node's data centre, in which the tests' stores are. */
export const ownNodes = nodesIn(firstNode.dataCenter);

export function nodesIn(dataCenter: string): readonly BedNode[] {
  return nodes.filter((node) => node.dataCenter === dataCenter);
}

export function addressOf(node: BedNode): string {
  return `${node.address}:${cqlPort}`;
}

/** All of the tests' own data centre at once: no answer comes from there meanwhile. */
export async function whileFrozen<Value>(body: () => Promise<Value>): Promise<Value> {
  await Promise.all(ownNodes.map((node) => node.pause()));
  try {
    return await body();
  } finally {
    await Promise.all(ownNodes.map((node) => node.resume()));
  }
}

/** A new keyspace with its tables, kept in as many copies as there are nodes, three at most. */
export async function makeHome(): Promise<Home> {
  const keyspace = `t${randomUUID().replaceAll("-", "").slice(0, 12)}`;
  const { dataCenter } = firstNode;
  const contactPoints = ownNodes.map(addressOf);
  const where = { contactPoints, dataCenter, keyspace, requestTimeoutMs: patientMs };
  // A server that is just up may refuse for a moment, and a migration may be repeated.
  await patiently(() => migrate({ ...where, replicas: replicas() }, { isDryRun: false }));
  const define = (queries: readonly string[]) =>
    patiently(async () => {
      const session = await openSession(where);
      try {
        for (const query of queries) await session.define(query);
      } finally {
        await session.close();
      }
    });
  const { facts: _, ...emptied } = tablesOf(keyspace);
  return {
    ...where,
    empty: () => define(Object.values(emptied).map((table) => `TRUNCATE ${table}`)),
    remove: () => define([`DROP KEYSPACE IF EXISTS ${keyspace}`]),
  };
}

export function replicas(): Readonly<Record<string, number>> {
  const dataCenters = [...new Set(nodes.map((one) => one.dataCenter))];
  return Object.fromEntries(dataCenters.map((name) => [name, Math.min(3, nodesIn(name).length)]));
}

/** The keyspace as a node of this data centre has it in its configuration. */
export function configOf({ keyspace }: Pick<Home, "keyspace">, dataCenter = firstNode.dataCenter) {
  const copies = Object.entries(replicas()).map(([name, count]) => [name, { replicas: count }]);
  const contactPoints = nodesIn(dataCenter).map(addressOf);
  const colos = Object.fromEntries(copies) as Readonly<Record<string, { replicas: number }>>;
  return {
    use: "builtin:cassandra",
    options: { contactPoints, colo: dataCenter, keyspace, colos },
  };
}
