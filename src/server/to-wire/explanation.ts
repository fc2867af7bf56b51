import { create, toBinary } from "@bufbuild/protobuf";
import type { Explanation } from "../../core/model/explanation.js";
import * as wire from "../../gen/muster/v1/event_service_pb.js";
import { eventName } from "../names.js";
import { writeCause } from "./cause.js";
import { writeEvent } from "./event.js";
import { writeDuration, writeTime } from "./time.js";

/** An explanation, as far as it fits into so many bytes; what does not is said to be cut off. */
export function writeExplanation(
  explanation: Explanation,
  bytesMax: number,
): wire.ExplainEventResponse {
  const { nodes, figures, waits, supersededBy, summary, rootLost, lagging } = explanation;
  const events: wire.ExplainedEvent[] = [];
  let bytes = 0;
  for (const { event, depth } of nodes) {
    const written = create(wire.ExplainedEventSchema, { event: writeEvent(event), depth });
    bytes += toBinary(wire.ExplainedEventSchema, written).length;
    if (bytes > bytesMax && events.length > 0) break;
    events.push(written);
  }
  const { firstInServiceAfterMs: first, lastInServiceAfterMs: last, lastGoneAfterMs } = figures;
  const account = nodes[0]!.event.account;
  return create(wire.ExplainEventResponseSchema, {
    events,
    summary: [...summary],
    figures: {
      wanted: figures.wanted,
      inService: figures.inService,
      failed: figures.failed,
      lost: figures.lost,
      left: figures.left,
      gone: figures.gone,
      ...(first !== undefined && { firstInServiceAfter: writeDuration(first) }),
      ...(last !== undefined && { lastInServiceAfter: writeDuration(last) }),
      ...(lastGoneAfterMs !== undefined && { lastGoneAfter: writeDuration(lastGoneAfterMs) }),
    },
    waits: waits.map(({ colo, condition, cause, sinceMs, untilMs }) => ({
      colo,
      condition,
      cause: writeCause(cause),
      sinceTime: writeTime(sinceMs),
      ...(untilMs !== undefined && { untilTime: writeTime(untilMs) }),
    })),
    supersededBy: supersededBy ? eventName(account, supersededBy) : "",
    cut: explanation.cut || events.length < nodes.length,
    rootLost,
    lagging,
  });
}
