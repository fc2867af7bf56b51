import { ConnectError } from "@connectrpc/connect";
import { groupName } from "../../clients/node/index.js";
import type { Receipt } from "../../src/gen/muster/v1/receipt_pb.js";
import { type Asked, account, eventually } from "../e2e/daemon.js";
import type { ColoCloud } from "./cloud/process.js";

export interface Ask {
  readonly target: number;
  /** Asked again with the same, it is the same event. */
  readonly requestId?: string;
  readonly group?: string;
}

export async function setTarget({ client }: Asked, ask: Ask): Promise<Receipt> {
  const { target, requestId = `to-${target}`, group = "web" } = ask;
  const name = groupName(account, group);
  const { receipt } = await client.scaling.setTarget({ name, target, requestId }, { timeoutMs });
  if (!receipt) throw new Error("an answer without a receipt");
  return receipt;
}

/** While a colo is silent, an ask waits for its Cassandra, then for its nodes, to be given up. */
const timeoutMs = 45_000;
const answeredMsMax = 150_000;

/** Asks until it is answered, as every caller does. `refusals` get what was said instead. */
export async function answered(asked: Asked, ask: Ask, refusals: string[] = []): Promise<Receipt> {
  const receipt = await eventually(
    `an answer to ${ask.requestId ?? ask.target}`,
    async () => {
      try {
        return await setTarget(asked, ask);
      } catch (error) {
        refusals.push(ConnectError.from(error).message);
        return refusals;
      }
    },
    (found) => found !== refusals,
    answeredMsMax,
  );
  return receipt as Receipt;
}

/** Until the cloud has so many of the group's servers, by what it wrote down. */
export const runs = (
  cloud: ColoCloud,
  count: number,
  { group = "web", msMax }: { readonly group?: string; readonly msMax?: number } = {},
) =>
  eventually(
    `${count} of ${group} run`,
    () => countIn(cloud, group),
    (found) => found === count,
    msMax,
  );

export async function countIn(cloud: ColoCloud, group: string): Promise<number> {
  const calls = (await cloud.calls()).filter((call) => call.group === group);
  const creates = calls.filter(({ kind }) => kind === "create").length;
  return creates - (calls.length - creates);
}

/** Milliseconds. */
export async function took(work: Promise<unknown>): Promise<number> {
  const startedMs = performance.now();
  await work;
  return Math.round(performance.now() - startedMs);
}
