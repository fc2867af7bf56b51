import { createHmac } from "node:crypto";
import { lookup as systemLookup } from "node:dns";
import http, { type RequestOptions } from "node:http";
import https from "node:https";
import { isIP, type LookupFunction } from "node:net";
import type { Call } from "../../core/ports/call.js";
import type { Notification, Sender } from "../../core/ports/sender.js";
import { type AddressRule, createAddressRule } from "./addresses.js";

export interface HttpSenderOptions {
  /** Networks that may be sent to although they are private. */
  readonly allow: readonly string[];
  /** How names become addresses; the system's by default. */
  readonly lookup?: LookupFunction;
}

const answerMsMax = 10_000;
const urlLengthMax = 2_048;

/**
 * Over HTTP or HTTPS, signed as the Standard Webhooks specification has it. Addresses are looked at
 * when the connection is made, so that a name which changes what it means gets nobody in.
 *
 * @throws Fault `CONFIG_INVALID`: a network that is allowed is none.
 */
export function createHttpSender({ allow, lookup = systemLookup }: HttpSenderOptions): Sender {
  const rule = createAddressRule(allow);
  const guarded = guardLookup(lookup, rule);
  return {
    refusalOf: (url) => refusalOf(url, rule),
    send(notification, call) {
      const refusal = refusalOf(notification.url, rule);
      if (refusal !== undefined) return Promise.reject(new Error(refusal));
      return post(notification, guarded, call);
    },
  };
}

function refusalOf(text: string, rule: AddressRule): string | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || text.length > urlLengthMax) return "must be a URL of at most 2,048 characters";
  if (url.protocol !== "http:" && url.protocol !== "https:") return "must be http or https";
  if (url.username !== "" || url.password !== "") return "must have no user and no password";
  // An address that stands in the URL is never looked up.
  const host = hostOf(url);
  if (isIP(host) !== 0 && !rule.isAllowed(host)) return sayClosed(host);
  return undefined;
}

const hostOf = ({ hostname }: URL) => hostname.replace(/^\[|\]$/g, "");

const sayClosed = (address: string) => `${address} is no public address, nor an allowed one`;

/** As `lookup`, without the addresses that are closed; none left is an error. */
function guardLookup(lookup: LookupFunction, rule: AddressRule): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, found) => {
      if (error) return callback(error, "");
      const all = Array.isArray(found) ? found : [];
      const open = all.filter(({ address }) => rule.isAllowed(address));
      const [first] = open;
      if (!first) return callback(new Error(sayClosed(all[0]?.address ?? hostname)), "");
      if (options.all) return callback(null, open);
      return callback(null, first.address, first.family);
    });
  };
}

function post(
  notification: Notification,
  lookup: LookupFunction,
  { signal }: Call,
): Promise<number> {
  const url = new URL(notification.url);
  const options: RequestOptions = {
    ...{ method: "POST", headers: headersOf(notification), lookup, signal },
    // A connection of its own: none that is kept open was looked at under today's rules.
    agent: false,
  };
  return new Promise((resolve, reject) => {
    const sent = (url.protocol === "https:" ? https : http).request(url, options, (answer) => {
      resolve(answer.statusCode ?? 0);
      answer.destroy(); // What it says is of no use to anyone here.
    });
    const timer = setTimeout(() => sent.destroy(new Error("no answer in time")), answerMsMax);
    sent.once("close", () => clearTimeout(timer));
    sent.on("error", reject);
    sent.end(notification.body);
  });
}

function headersOf({ id, atMs, secret, body }: Notification): Record<string, string | number> {
  const timestamp = Math.floor(atMs / 1_000);
  const signed = createHmac("sha256", secret).update(`${id}.${timestamp}.${body}`);
  return {
    "content-type": "application/json",
    "content-length": Buffer.byteLength(body),
    "user-agent": "muster",
    "webhook-id": id,
    "webhook-timestamp": String(timestamp),
    "webhook-signature": `v1,${signed.digest("base64")}`,
  };
}
