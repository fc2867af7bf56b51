import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { createCassandraStore } from "../../../src/drivers/store-cassandra/index.js";
import { createRunningClock } from "../../drivers/running-clock.js";
import { addressOf, firstNode, type Home, makeHome } from "../bed.js";
import { busy, createBusyGroup } from "./busy-group.js";
import { createFastServer } from "./fast-server.js";
import { createLooks } from "./looks.js";
import { quicken } from "./quicken.js";
import { createFindings } from "./report.js";
import { readTableStats } from "./table-stats.js";

/**
 * A busy group's month in fast motion: what the store's own code writes of it, and what the tables
 * are like then. A day is over in so many seconds, and with it all that is forgotten by time:
 * grace, TTLs, windows of compaction. Exit code 1: a partition is larger, or a read passes more
 * tombstones, than docs/cassandra.md says.
 *
 * Usage: npm run month:cassandra [-- --days N --day-seconds S]
 */
const { values } = parseArgs({
  options: {
    days: { type: "string", default: "30" },
    "day-seconds": { type: "string", default: "24" },
  },
});
const days = Number(values.days);
const dayS = Number(values["day-seconds"]);
const dayMs = 86_400_000;
const changesPerLook = busy.changesPerDay / 2;
/** Of days that take longer, fewer tombstones are left when they are counted. */
const slowerMax = 1.1;

const findings = createFindings();
const home = await makeHome();
const server = createFastServer(addressOf(firstNode), firstNode.dataCenter);
try {
  await quicken(home, dayS);
  server.pace(dayS);
  const tookS = (await writeMonth(home)).toSorted((a, b) => a - b);
  const stats = await readTableStats(home.keyspace);
  console.log(`\n${findings.table(stats)}\n`);
  const medianS = tookS[Math.floor(days / 2)]!;
  const pace = `${medianS.toFixed(1)} s, the slowest ${tookS.at(-1)!.toFixed(1)} s`;
  console.log(`${days} days of ${dayS} s; half of them took ${pace}`);
  const beyond = [...findings.beyond(stats)];
  if (medianS > dayS * slowerMax) beyond.push("its pace: give it more --day-seconds");
  for (const one of beyond) console.error(`BEYOND ITS BOUNDS: ${one}`);
  process.exitCode = beyond.length > 0 ? 1 : 0;
} finally {
  await server.close();
  await home.remove();
}

/** @returns how many seconds each day took */
async function writeMonth(where: Home): Promise<readonly number[]> {
  const clock = createRunningClock();
  const startMs = clock.nowMs();
  const store = await createCassandraStore({ ...where, colo: firstNode.dataCenter, clock });
  const group = createBusyGroup(store);
  const looks = createLooks(store, group);
  await group.begin();
  const tookS: number[] = [];
  while (tookS.length < days) {
    const beganMs = performance.now();
    for (let change = 1; change <= busy.changesPerDay; change++) {
      const share = change / busy.changesPerDay;
      clock.advance(startMs + (tookS.length + share) * dayMs - clock.nowMs());
      await group.change(clock.nowMs());
      if (change % changesPerLook === 0)
        for (const [name, look] of Object.entries(looks)) {
          const slices = await server.traced(() => look(clock.nowMs()));
          for (const slice of slices) findings.note(name, slice);
        }
      await sleep(Math.max(0, beganMs + share * dayS * 1_000 - performance.now()));
    }
    tookS.push((performance.now() - beganMs) / 1_000);
    console.log(`day ${tookS.length}: ${tookS.at(-1)!.toFixed(1)} s`);
  }
  await store.close();
  return tookS;
}
