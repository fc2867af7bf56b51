import type { X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";

/** Files in PEM. */
export interface IdentityFiles {
  readonly certFile: string;
  readonly keyFile: string;
  /** Who signs the peers' certificates. It may sign others' too: the name makes a peer. */
  readonly caFile: string;
}

export interface Identity {
  readonly cert: string;
  readonly key: string;
  readonly ca: string;
}

/** @throws Error when one cannot be read. */
export async function readIdentity(files: IdentityFiles): Promise<Identity> {
  const [cert, key, ca] = await Promise.all(
    [files.certFile, files.keyFile, files.caFile].map((path) => readFile(path, "utf8")),
  );
  return { cert: cert!, key: key!, ca: ca! };
}

/** The DNS name that the certificates of an installation's nodes carry, and no others. */
export function peerName(installation: string): string {
  return `muster-peer.${installation}`;
}

/** Only the whole name, among the alternative names, makes a peer: no wildcard, no subject. */
export function isPeer(certificate: X509Certificate, installation: string): boolean {
  const strict = { subject: "never", wildcards: false } as const;
  return certificate.checkHost(peerName(installation), strict) !== undefined;
}
