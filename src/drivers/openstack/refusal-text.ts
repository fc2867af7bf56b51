import type { HttpAnswer } from "./http.js";

/** What an answer says in words, and whether they are in the form that the services have. */
export interface RefusalText {
  readonly say: string;
  readonly isOwn: boolean;
}

/**
 * Nova: `{"itemNotFound": {"code", "message"}}`, Keystone: `{"error": {"message"}}`, Neutron:
 * `{"NeutronError": {"type", "message"}}` or its text alone, Octavia: `{"faultstring"}`. Whatever
 * else answers (a proxy, another server at the address) has a form of its own.
 */
export function refusalText({ body, text }: Pick<HttpAnswer, "body" | "text">): RefusalText {
  const own = ownText(body);
  if (own !== undefined) return { say: shortened(own), isOwn: true };
  const plain = text.replaceAll(/<(style|script|title)[\s\S]*?<\/\1>|<[^>]*>/gi, " ");
  return { say: shortened(plain), isOwn: false };
}

function ownText(body: unknown): string | undefined {
  if (!isObject(body)) return undefined;
  if (typeof body["faultstring"] === "string") return body["faultstring"];
  const [inner] = Object.values(body);
  if (Object.keys(body).length !== 1) return undefined;
  if (typeof inner === "string") return inner;
  if (!isObject(inner) || typeof inner["message"] !== "string") return undefined;
  const { message, type } = inner;
  return typeof type === "string" ? `${message} (${type})` : message;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function shortened(text: string): string {
  const line = text.replaceAll(/\s+/g, " ").trim();
  if (line === "") return "no reason given";
  return line.length <= charsMax ? line : `${line.slice(0, charsMax)}…`;
}

const charsMax = 500;
