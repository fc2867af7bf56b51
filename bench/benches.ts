import { drill } from "./drill/drill.js";
import type { Bench } from "./lib/bench.js";
import { timeOnOpenstack } from "./p1/on-openstack.js";
import { manyGroups, timeToService } from "./p1/time-to-service.js";
import { scaleEvents } from "./p3/scale-events.js";
import { scaleEventsOnCassandra } from "./p4/scale-events.js";
import { planning } from "./p5/planning.js";
import { steady, steadyOnCassandra } from "./p6/steady.js";
import { eventStreaming } from "./p7/event-streaming.js";
import { unaryReads } from "./p8/unary-reads.js";
import { start, startOnCassandra } from "./p9/start.js";
import { takeOver } from "./p10/take-over.js";
import { schedules } from "./schedules/due-at-once.js";

/** Every benchmark, by the ids of the table of performance promises. */
export const benches: readonly Bench[] = [
  timeToService,
  timeOnOpenstack,
  manyGroups,
  scaleEvents,
  scaleEventsOnCassandra,
  planning,
  steady,
  steadyOnCassandra,
  eventStreaming,
  unaryReads,
  start,
  startOnCassandra,
  takeOver,
  schedules,
  drill,
];
