import { readFile } from "node:fs/promises";
import { Ajv } from "ajv";
import type { Metrics } from "../../core/ports/metrics.js";

export interface PrometheusOptions {
  /** Where Prometheus, or what speaks its API, answers: `https://prometheus.example:9090`. */
  readonly url: string;
  /** A file with a bearer token, read anew for each query. */
  readonly tokenFile?: string;
}

/** How long Prometheus is to go on with a query: nobody waits for longer. */
const workedOnFor = "10s";
const answerBytesMax = 256 * 1024;

/** A sample is an instant and a number as text, since JSON knows no NaN. */
const sample = {
  type: "array",
  minItems: 2,
  maxItems: 2,
  items: [{ type: "number" }, { type: "string" }],
} as const;

/** What is read of the answer to an instant query. */
const check = new Ajv({ strictTuples: false }).compile<Answer>({
  type: "object",
  required: ["status", "data"],
  properties: {
    status: { const: "success" },
    data: {
      oneOf: [
        {
          type: "object",
          required: ["resultType", "result"],
          properties: { resultType: { const: "scalar" }, result: sample },
        },
        {
          type: "object",
          required: ["resultType", "result"],
          properties: {
            resultType: { const: "vector" },
            result: {
              type: "array",
              items: { type: "object", required: ["value"], properties: { value: sample } },
            },
          },
        },
      ],
    },
  },
});

type Sample = readonly [atSeconds: number, value: string];

interface Answer {
  readonly data:
    | { readonly resultType: "scalar"; readonly result: Sample }
    | { readonly resultType: "vector"; readonly result: readonly { readonly value: Sample }[] };
}

/** Instant queries of Prometheus' HTTP API. */
export function createPrometheusMetrics({ url, tokenFile }: PrometheusOptions): Metrics {
  const address = new URL("api/v1/query", url.endsWith("/") ? url : `${url}/`);
  return {
    async measure(query, { signal }) {
      const headers: Record<string, string> = {};
      if (tokenFile !== undefined)
        headers["authorization"] = `Bearer ${(await readFile(tokenFile, "utf8")).trim()}`;
      const body = new URLSearchParams({ query, timeout: workedOnFor });
      // What its owner named is asked, and nobody to whom that would lead.
      const asked = { method: "POST", body, headers, signal, redirect: "error" } as const;
      const answer = await fetch(address, asked).catch((error: unknown) => {
        throw new Error(`no answer: ${sayWhy(error)}`, { cause: error });
      });
      return numberIn(answer.status, await readText(answer));
    },
  };
}

/** The reason stands in the cause, without the address. */
function sayWhy(error: unknown): string {
  const { cause } = error as { readonly cause?: { readonly code?: unknown } };
  return String(cause?.code ?? (error as Error).message);
}

async function readText({ body }: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body ?? []) {
    bytes += chunk.length;
    if (bytes > answerBytesMax) throw new Error("the answer is too long: aggregate in the query");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

function numberIn(status: number, text: string): number | undefined {
  const parsed = parse(text);
  if (!check(parsed)) throw new Error(sayError(status, parsed));
  const { data } = parsed;
  const samples =
    data.resultType === "scalar" ? [data.result] : data.result.map((one) => one.value);
  if (samples.length > 1) throw new Error(`the query gives ${samples.length} values, not one`);
  const [first] = samples;
  if (!first) return undefined;
  const value = Number(first[1]);
  if (Number.isFinite(value)) return value;
  throw new Error(`the query gives ${first[1].slice(0, 20)}, which is no finite number`);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const sayLengthMax = 300;

/** Prometheus says itself what is wrong with a query. */
function sayError(status: number, parsed: unknown): string {
  const { error } = (parsed ?? {}) as { readonly error?: unknown };
  if (typeof error === "string") return error.slice(0, sayLengthMax);
  return `no answer to an instant query, status ${status}`;
}
