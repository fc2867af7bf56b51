import { hash, randomBytes } from "node:crypto";

const tokenBytes = 32;

/** 256 random bits: nobody guesses them (B7.3). */
export function newToken(): string {
  return randomBytes(tokenBytes).toString("base64url");
}

/** All that is ever looked for or kept of a token. So many bits need no salt and no slow hash. */
export function tokenHashOf(token: string): string {
  return hash("sha256", token, "hex");
}
