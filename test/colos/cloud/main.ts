import { createServer, type IncomingMessage } from "node:http";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { OutsideFault, outsideFaultOf } from "../../../src/core/errors/outside-fault.js";
import { createSystemClock, createSystemIds } from "../../../src/drivers/clock-system/index.js";
import processCloud from "../../../src/drivers/cloud-process/index.js";
import { recorded } from "./calls.js";
import { type Answer, askedAtHeader, beginMsMax, type Method, methods } from "./wire.js";

/**
 * A colo's cloud as a process of its own, which outlives the nodes that ask it, and which both of a
 * colo's nodes share. Answers creates slowly, so that a move takes long enough to be disturbed.
 *
 * Usage: node main.js DATA_FOLDER COLO INSTALLATION ADDRESS PORT
 */
const [dataDir = "", colo = "", installation = "", address = "", port = ""] = process.argv.slice(2);
const answerDelayMs = 100;
const silent = { info() {}, warn() {}, error() {}, debug() {} };
const nobody = { of: async () => undefined };

const host = { clock: createSystemClock(), ids: createSystemIds(), log: silent, dataDir };
const opened = await processCloud.open({}, { ...host, installation, colo, credentials: nobody });
const cloud = await recorded(opened, dataDir);

async function carryOut(method: Method, request: IncomingMessage): Promise<unknown> {
  const asked = JSON.parse(await text(request));
  const waitedMs = Date.now() - Number(request.headers[askedAtHeader]);
  // Whoever asked may be dead: what has not begun by then never begins.
  const call = { signal: AbortSignal.timeout(Math.max(0, beginMsMax - waitedMs)) };
  const answer = await cloud[method]?.(asked as never, call);
  if (method === "createServer") await sleep(answerDelayMs);
  return answer;
}

const server = createServer(async (request, response) => {
  const method = methods.find((name) => request.url === `/${name}`);
  let answer: Answer;
  try {
    if (!method) throw new OutsideFault("badRequest", `no method ${request.url}`);
    answer = { value: await carryOut(method, request) };
  } catch (error) {
    const { kind, message, ambiguous } = outsideFaultOf(error);
    answer = { fault: { kind, message, ambiguous } };
  }
  response.end(JSON.stringify(answer));
});
server.listen(Number(port), address, () => console.log("ready"));
process.once("SIGTERM", () => {
  server.closeAllConnections();
  server.close();
  void cloud.close().then(() => process.exit(0));
});
