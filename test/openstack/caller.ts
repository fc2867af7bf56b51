import type { BedFacts, CredentialAccount, PasswordAccount } from "./bed-facts.js";

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The text as JSON; empty if it is none. */
  readonly body: Json;
}

/** What a server says, in its own words, of which a test reads a few. */
type Json = { readonly [name: string]: unknown };

/** One account's way to the raw APIs, around everything that is Muster's. */
export interface Caller {
  call(
    service: keyof BedFacts["urls"],
    method: string,
    path: string,
    body?: unknown,
    msMax?: number,
  ): Promise<Answer>;
}

const msMaxDefault = 60_000;
/** Nova's newest in this release: tags at create, networks "none", service ids that are UUIDs. */
const microversion = "compute 2.93";

/** By which an API's faults tell these calls from Muster's. */
export const callerAgent = "muster-test";

export function createCaller(
  facts: BedFacts,
  account: CredentialAccount | PasswordAccount,
): Caller {
  let token: Promise<string> | undefined;
  return {
    async call(service, method, path, body, msMax = msMaxDefault) {
      const url = facts.urls[service];
      if (url === undefined) throw new Error(`the bed has no ${service}`);
      token ??= issueToken(facts.authUrl, account);
      const response = await fetch(`${url}${path}`, {
        method,
        headers: {
          "X-Auth-Token": await token,
          "OpenStack-API-Version": microversion,
          "User-Agent": callerAgent,
          "Content-Type": "application/json",
        },
        signal: AbortSignal.timeout(msMax),
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const text = await response.text();
      return { status: response.status, headers: response.headers, text, body: jsonOf(text) };
    },
  };
}

/** A token of the account's project. */
async function issueToken(
  authUrl: string,
  account: CredentialAccount | PasswordAccount,
): Promise<string> {
  const response = await fetch(`${authUrl}/auth/tokens`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ auth: proofOf(account) }),
    signal: AbortSignal.timeout(msMaxDefault),
  });
  const token = response.headers.get("X-Subject-Token");
  if (token === null) throw new Error(`Keystone answers ${response.status}`);
  return token;
}

function proofOf(account: CredentialAccount | PasswordAccount) {
  if ("applicationCredentialId" in account) {
    const { applicationCredentialId: id, applicationCredentialSecret: secret } = account;
    const method = "application_credential";
    return { identity: { methods: [method], [method]: { id, secret } } };
  }
  const { username: name, password, projectId: id } = account;
  const user = { name, password, domain: { name: account.userDomain } };
  return {
    identity: { methods: ["password"], password: { user } },
    scope: { project: { id } },
  };
}

function jsonOf(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return {};
  }
}
