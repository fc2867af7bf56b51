import { Transport, UndiciConnection, WeightedConnectionPool } from "@elastic/transport";
import type { Call } from "../../core/ports/call.js";
import { abortedFault } from "../store-rules/aborted.js";
import { onAbort } from "../store-rules/on-abort.js";
import { journalUnavailable } from "./faults.js";

export interface ClusterOptions {
  /** `http://host:port` or `https://host:port` each, without user and password. */
  readonly nodes: readonly string[];
  readonly auth?: Auth;
  /** Certificates in PEM of who may sign the nodes' ones; default: those that Node trusts. */
  readonly ca?: string;
}

export type Auth =
  | { readonly apiKey: string }
  | { readonly username: string; readonly password: string };

/** The way to the cluster: another node where one is away, every answer with a deadline. */
export interface Cluster {
  /**
   * @returns the answer with status below 400, or with one that `request.expects` names
   * @throws Fault `STORE_UNAVAILABLE`, `CANCELLED`, `DEADLINE_EXCEEDED`
   */
  ask<Body>(request: ClusterRequest, call: Call): Promise<Answer<Body>>;
  /** Breaks off what is under way. */
  close(): Promise<void>;
}

export interface ClusterRequest {
  readonly method: "GET" | "PUT" | "POST" | "DELETE";
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: Readonly<Record<string, unknown>>;
  /** Lines of JSON, for a bulk. */
  readonly lines?: readonly string[];
  /** Statuses of 400 and more that are answers too. */
  readonly expects?: readonly number[];
}

export interface Answer<Body> {
  readonly status: number;
  readonly body: Body;
}

/** A cluster that needs longer than this has something else to do. */
const answerMsMax = 20_000;
/** A page of 1,000 events has a few MiB. */
const answerBytesMax = 64 * 1_024 * 1_024;
const connectionsMax = 16;
/** The API that is spoken, whatever later versions change in it. */
const jsonOf9 = "application/vnd.elasticsearch+json; compatible-with=9";
const linesOf9 = "application/vnd.elasticsearch+x-ndjson; compatible-with=9";

export function createCluster({ nodes, auth, ca }: ClusterOptions): Cluster {
  const connectionPool = new WeightedConnectionPool({
    Connection: UndiciConnection,
    agent: { connections: connectionsMax },
    ...(auth && { auth }),
    ...(ca !== undefined && { tls: { ca } }),
  });
  connectionPool.addConnection([...nodes]);
  const transport = new Transport({
    connectionPool,
    requestTimeout: answerMsMax,
    maxRetries: nodes.length - 1,
    maxResponseSize: answerBytesMax,
    productCheck: "Elasticsearch",
    vendoredHeaders: { jsonContentType: jsonOf9, ndjsonContentType: linesOf9, accept: jsonOf9 },
    redaction: { type: "remove" },
    openTelemetry: { enabled: false },
    enableMetaHeader: false,
    headers: { "user-agent": "muster" },
  });
  const running = new Set<AbortController>();
  let closing: Promise<void> | undefined;
  return {
    async ask<Body>(request: ClusterRequest, { signal }: Call): Promise<Answer<Body>> {
      if (signal.aborted) throw abortedFault(signal);
      if (closing) throw journalUnavailable("the journal is closed");
      const controller = new AbortController();
      const stopListening = onAbort(signal, () => controller.abort());
      running.add(controller);
      try {
        const found = await transport.request<Body>(paramsOf(request), {
          meta: true,
          ignore: [...(request.expects ?? [])],
          signal: controller.signal,
        });
        return { status: found.statusCode, body: found.body };
      } catch (cause) {
        if (signal.aborted) throw abortedFault(signal);
        throw journalUnavailable("the journal cannot be reached", cause);
      } finally {
        running.delete(controller);
        stopListening();
      }
    },
    close() {
      for (const controller of running) controller.abort();
      closing ??= connectionPool.empty();
      return closing;
    },
  };
}

function paramsOf({ method, path, query, body, lines }: ClusterRequest) {
  return {
    ...{ method, path },
    ...(query && { querystring: query }),
    ...(body && { body }),
    ...(lines && { bulkBody: `${lines.join("\n")}\n` }),
  };
}
