import { isFault } from "../../core/errors/fault.js";
import type { Diagnosis } from "../../core/model/diagnosis.js";
import { causeOf } from "./faults.js";
import type { MigrateOptions } from "./migrate.js";
import { openSession, type Reach, type Session } from "./session.js";
import { type Copies, checkSchema, readFacts, readReplication, sayCopies } from "./standing.js";

const prepare = "muster migrate --config FILE";

/** Whether the cluster answers as this node needs it, and is as configured. Changes nothing. */
export async function diagnoseCluster(options: MigrateOptions): Promise<readonly Diagnosis[]> {
  const { contactPoints, dataCenter, keyspace } = options;
  const subject = `Cassandra at ${contactPoints.join(", ")}`;
  let session: Session;
  try {
    session = await openSession(options);
  } catch (error) {
    const fix = "see that its nodes run, and can be reached with the configured credentials";
    return [{ subject, state: "problem", say: `no node answers: ${causeOf(error)}`, fix }];
  }
  try {
    const answers: Diagnosis = { subject, state: "ok", say: `a node of ${dataCenter} answers` };
    const copies = await readReplication(session, keyspace);
    if (!copies) {
      const say = "is not there yet";
      return [answers, { subject: `keyspace ${keyspace}`, state: "problem", say, fix: prepare }];
    }
    const local = await examineQuorum(session, options, "colo");
    if (local.state !== "ok") return [answers, local];
    const all = await examineQuorum(session, options, "everywhere");
    return [
      ...[answers, local, all, await examineTables(session, options)],
      examineCopies(copies, options.replicas),
    ];
  } catch (error) {
    return [{ subject, state: "problem", say: causeOf(error), fix: "see its nodes' logs" }];
  } finally {
    await session.close();
  }
}

async function examineQuorum(
  session: Session,
  { keyspace, dataCenter }: MigrateOptions,
  reach: Reach,
): Promise<Diagnosis> {
  const isLocal = reach === "colo";
  const subject = isLocal ? `quorum of ${dataCenter}` : "quorum of all colos";
  const startMs = performance.now();
  try {
    await readFacts(session, keyspace, reach);
    const tookMs = Math.round(performance.now() - startMs);
    return { subject, state: "ok", say: `answers, in ${tookMs} ms` };
  } catch (error) {
    const say = `does not answer: ${causeOf(error)}`;
    const fix = "see nodetool status: most replicas must be up";
    if (isLocal) return { subject, state: "problem", say, fix };
    return { subject, state: "warning", say: `${say}; groups cannot be changed meanwhile`, fix };
  }
}

async function examineTables(session: Session, options: MigrateOptions): Promise<Diagnosis> {
  const subject = `keyspace ${options.keyspace}`;
  try {
    await checkSchema(session, options.keyspace);
    return { subject, state: "ok", say: "its tables are of this Muster's version" };
  } catch (error) {
    if (!isFault(error, "CONFIG_INVALID")) throw error;
    return { subject, state: "problem", say: error.message, fix: prepare };
  }
}

function examineCopies(found: Copies, asked: Copies): Diagnosis {
  const subject = "copies";
  const say = sayCopies(found);
  if (say === sayCopies(asked)) return { subject, state: "ok", say };
  const fix = "ALTER KEYSPACE and nodetool rebuild; or correct the configuration";
  return { subject, state: "warning", say: `${say}; configured are ${sayCopies(asked)}`, fix };
}
