import { createServer, type ServerResponse } from "node:http";
import { createLatencyWindow, p95Of } from "./latencies.js";
import { measure, webServer } from "./settings.js";

/**
 * One server of the group, run by the process cloud as `node web-server.js {port}`. Its capacity is
 * bounded: so many requests at once, each for a fixed time; the others wait in line.
 */
const waiting: Job[] = [];
const waitingMax = 1_000;
const latencies = createLatencyWindow(measure.windowMs);
let working = 0;

interface Job {
  readonly response: ServerResponse;
  readonly sinceMs: number;
}

function startNext(): void {
  while (working < webServer.slots) {
    const job = waiting.shift();
    if (job === undefined) return;
    if (job.response.destroyed) continue; // Its client has left the line.
    working++;
    setTimeout(() => finish(job), webServer.serviceMs);
  }
}

function finish({ response, sinceMs }: Job): void {
  working--;
  const latencyMs = performance.now() - sinceMs;
  latencies.add(latencyMs);
  response.end(`answered by ${process.pid} in ${Math.round(latencyMs)} ms\n`);
  startNext();
}

/** For Prometheus. A server that nobody asks answers fast. */
function metrics(): string {
  const p95Seconds = (p95Of(latencies.recent()) ?? webServer.serviceMs) / 1_000;
  return `# TYPE web_latency_p95_seconds gauge\nweb_latency_p95_seconds ${p95Seconds}\n`;
}

const server = createServer((request, response) => {
  if (request.url === "/health") return void response.end("ok\n");
  if (request.url === "/stats")
    return void response.end(JSON.stringify({ latenciesMs: latencies.recent() }));
  if (request.url === "/metrics") return void response.end(metrics());
  if (waiting.length >= waitingMax) return void response.writeHead(503).end("too many wait\n");
  waiting.push({ response, sinceMs: performance.now() });
  startNext();
});

server.listen(Number(process.argv[2]), "127.0.0.1");
