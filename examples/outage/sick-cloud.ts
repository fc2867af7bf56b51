import { createServer, type Server } from "node:http";
import { defineCloudDriver } from "../../src/core/ports/driver.js";
import processCloud from "../../src/drivers/cloud-process/index.js";
import {
  type Capacity,
  type Condition,
  createFront,
  type Front,
  forkChance,
  type Operation,
  serveThrough,
} from "../../src/drivers/cloud-simulated/index.js";

/** How the cloud is told to fall ill, and asked what it has been through. */
export interface SickCloudOptions {
  readonly capacity: Capacity;
  /** On the loopback: `POST /condition`, `GET /seconds`. */
  readonly controlPort: number;
  /** Fixes what the other tenants ask for. */
  readonly seed: number;
  readonly portRange: { readonly from: number; readonly to: number };
}

/**
 * The process cloud behind a front of bounded capacity, which other tenants share: slow, failing,
 * and down for long after the cause is gone, as told. For drills and tests.
 */
export default defineCloudDriver<SickCloudOptions>({
  name: "sick-process",
  apiVersion: 1,
  optionsSchema: {
    type: "object",
    additionalProperties: false,
    required: ["capacity", "controlPort", "seed", "portRange"],
    properties: {
      capacity: { type: "object" },
      controlPort: { type: "integer", minimum: 1_024, maximum: 65_535 },
      seed: { type: "integer" },
      portRange: { type: "object" },
    },
  },
  async open({ capacity, controlPort, seed, portRange }, host) {
    const cloud = await processCloud.open({ portRange }, host);
    const fork = forkChance(() => seed / 2 ** 32);
    const front = createFront(capacity, { clock: host.clock, fork });
    const control = await listen(front, controlPort);
    const through =
      <Request, Answer>(
        operation: Operation,
        work: (request: Request, call: { readonly signal: AbortSignal }) => Promise<Answer>,
      ) =>
      (request: Request, call: { readonly signal: AbortSignal }) =>
        // Who gave up is worked for all the same.
        serveThrough(front, operation, call.signal, () => work(request, { signal: never }));
    return {
      ...cloud,
      createServer: through("create", cloud.createServer),
      deleteServer: through("delete", cloud.deleteServer),
      getServer: through("get", cloud.getServer),
      listServers: through("list", cloud.listServers),
      findByIntention: through("find", cloud.findByIntention),
      checkLaunch: through("check", cloud.checkLaunch),
      async close() {
        control.close();
        front.close();
        await cloud.close();
      },
    };
  },
});

const never = new AbortController().signal;

async function listen(front: Front, port: number): Promise<Server> {
  const server = createServer((request, response) => {
    if (request.method === "GET") {
      response.end(JSON.stringify(front.seconds()));
      return;
    }
    let body = "";
    request.on("data", (chunk: Buffer) => {
      body += chunk.toString();
    });
    request.on("end", () => {
      front.setCondition(JSON.parse(body) as Partial<Condition>);
      response.end("{}");
    });
  });
  server.unref();
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", resolve);
  });
  return server;
}
