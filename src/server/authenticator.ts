import { hash, timingSafeEqual } from "node:crypto";
import type { AccountId } from "../core/model/ids.js";
import { type Permission, type Role, roles } from "./permissions.js";

/** Tells who calls. Static tokens are one way; certificates and identity providers are others. */
export interface Authenticator {
  /** Resolves to undefined for credentials that are missing, unknown or malformed. */
  authenticate(credentials: Credentials): Promise<Principal | undefined>;
}

export interface Credentials {
  /** The call's `authorization` header. */
  readonly authorization: string | undefined;
  /** The peer's address. */
  readonly address: string;
}

/** Who calls, and what they may do where. */
export interface Principal {
  readonly name: string;
  readonly bindings: readonly Binding[];
}

/** Permissions within one account, or (`*`) in all of them and over the whole installation. */
export interface Binding {
  readonly account: AccountId | "*";
  readonly permissions: ReadonlySet<Permission>;
}

export interface StaticToken {
  readonly principal: string;
  /** Either the token itself or, in hex, its SHA-256, so that no file needs to hold the token. */
  readonly token?: string;
  readonly tokenSha256?: string;
  readonly roles: readonly { readonly account: string; readonly role: Role }[];
}

export const tokenLimits = { tokensMax: 1_000, tokenLengthMin: 16, tokenLengthMax: 512 } as const;

/**
 * Bearer tokens from the configuration. Compares hashes, and always with every token, so that the
 * time that it takes tells nothing about any of them.
 * @throws Error for a token that is too short or long, given twice, or not given.
 */
export function createStaticTokens(tokens: readonly StaticToken[]): Authenticator {
  if (tokens.length > tokenLimits.tokensMax)
    throw new Error(`at most ${tokenLimits.tokensMax} tokens, not ${tokens.length}`);
  const entries = tokens.map((token) => ({ hash: hashOf(token), principal: principalOf(token) }));
  if (new Set(entries.map(({ hash }) => hash.toString("hex"))).size < entries.length)
    throw new Error("two principals share a token");
  return {
    async authenticate({ authorization }) {
      const presented = bearerOf(authorization);
      if (presented === undefined) return undefined;
      const hash = sha256(presented);
      let found: Principal | undefined;
      for (const entry of entries) if (timingSafeEqual(entry.hash, hash)) found = entry.principal;
      return found;
    },
  };
}

/** Takes every caller for the same principal: for embedders and for development. */
export function createTrustingAuthenticator(principal: Principal): Authenticator {
  return { authenticate: async () => principal };
}

/** A principal of the whole installation. */
export function installationPrincipal(name: string, role: Role): Principal {
  return { name, bindings: [{ account: "*", permissions: roles[role] }] };
}

function bearerOf(authorization: string | undefined): string | undefined {
  if (authorization === undefined) return undefined;
  const [scheme, token, ...rest] = authorization.split(" ", 3);
  if (scheme?.toLowerCase() !== "bearer" || !token || rest.length > 0) return undefined;
  return token.length <= tokenLimits.tokenLengthMax ? token : undefined;
}

function hashOf({ principal, token, tokenSha256 }: StaticToken): Buffer {
  if (token !== undefined) {
    const { tokenLengthMin: min, tokenLengthMax: max } = tokenLimits;
    if (token.length < min || token.length > max)
      throw new Error(`the token of ${principal} must have ${min} to ${max} characters`);
    return sha256(token);
  }
  const hash = Buffer.from(tokenSha256 ?? "", "hex");
  if (hash.length !== 32) throw new Error(`${principal} has neither a token nor its SHA-256`);
  return hash;
}

function principalOf({ principal, roles: bound }: StaticToken): Principal {
  const bindings = bound.map(({ account, role }) => ({
    account: account as AccountId | "*",
    permissions: roles[role],
  }));
  return { name: principal, bindings };
}

function sha256(text: string): Buffer {
  return hash("sha256", text, "buffer");
}
