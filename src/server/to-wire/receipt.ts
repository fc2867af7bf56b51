import { create } from "@bufbuild/protobuf";
import type { Outcome, Receipt } from "../../core/model/scale-event.js";
import * as wire from "../../gen/muster/v1/receipt_pb.js";
import { writeCause } from "./cause.js";
import { writeTime } from "./time.js";

export function writeReceipt(receipt: Receipt): wire.Receipt {
  const { retryAtMs } = receipt;
  return create(wire.ReceiptSchema, {
    eventId: receipt.eventId,
    time: writeTime(receipt.atMs),
    outcome: outcomes[receipt.outcome],
    causes: receipt.causes.map(writeCause),
    oldTarget: receipt.oldTarget,
    newTarget: receipt.newTarget,
    placements: receipt.placements.map((placement) => ({ ...placement })),
    ...(retryAtMs !== undefined && { retryTime: writeTime(retryAtMs) }),
  });
}

export const outcomes = {
  applied: wire.Outcome.APPLIED,
  merged: wire.Outcome.MERGED,
  noChange: wire.Outcome.NO_CHANGE,
  refused: wire.Outcome.REFUSED,
  held: wire.Outcome.HELD,
} as const satisfies Record<Outcome, wire.Outcome>;
