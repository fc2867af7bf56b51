import { createHash } from "node:crypto";
import type { Ownership } from "../../core/model/server.js";

/** What a server carries that makes it ours: metadata is the record, tags are how it is found. */
export interface Marks {
  readonly metadata: Readonly<Record<string, string>>;
  readonly tags: readonly string[];
}

/** Begins the keys of all metadata that is not the user's. */
export const metadataPrefix = "muster_";
const tagPrefix = "muster:";
/** So many of a server's tags are ours. */
export const ownTags = 2;

const keys = {
  installation: `${metadataPrefix}installation`,
  account: `${metadataPrefix}account`,
  group: `${metadataPrefix}group`,
  colo: `${metadataPrefix}colo`,
  server: `${metadataPrefix}server`,
  launchRevision: `${metadataPrefix}launch_revision`,
} as const satisfies Record<keyof Ownership, string>;

/** Where a server keeps which of its networks its address is in. */
export const addressNetworkKey = `${metadataPrefix}address_network`;

export function marksOf(ownership: Ownership): Marks {
  const { installation, account, group, colo, server, launchRevision } = ownership;
  return {
    metadata: {
      [keys.installation]: installation,
      [keys.account]: account,
      [keys.group]: group,
      [keys.colo]: colo,
      [keys.server]: server,
      [keys.launchRevision]: String(launchRevision),
    },
    tags: [ownerTag(ownership), intentionTag(ownership)],
  };
}

/**
 * All servers of an account, in this installation. Hashed: a tag has room for 60 characters, and
 * knows neither `,` nor `/`.
 */
export function ownerTag(of: Pick<Ownership, "installation" | "account">): string {
  return `${tagPrefix}owner:${hash(of.installation, of.account)}`;
}

/** The one server that an intention made. */
export function intentionTag(of: Pick<Ownership, "account" | "server">): string {
  return `${tagPrefix}server:${hash(of.account, of.server)}`;
}

/** Tags that only Muster sets, this installation or another. */
export function isOwnTag(tag: string): boolean {
  return tag.startsWith(tagPrefix);
}

/** The user's own part of a server's metadata. */
export function isOwnKey(key: string): boolean {
  return key.startsWith(metadataPrefix);
}

/**
 * Whose the server is. One whose tags are lost or somebody else's would be found by nobody: it
 * counts as untagged, so that it is tagged anew. Not so what names another installation: that is
 * not ours to put right.
 *
 * @param own this installation
 */
export function ownershipOf(marks: Marks, own: string): Ownership | undefined {
  const { metadata, tags } = marks;
  const [installation, account, group, colo, server, revision] = Object.values(keys).map((key) =>
    Object.hasOwn(metadata, key) ? metadata[key] : undefined,
  );
  if (!installation || !account || !group || !colo || !server) return undefined;
  if (revision === undefined || !/^\d{1,15}$/.test(revision)) return undefined;
  const launchRevision = Number(revision);
  const ownership = { installation, account, group, colo, server, launchRevision };
  const isFound = marksOf(ownership).tags.every((tag) => tags.includes(tag));
  return isFound || installation !== own ? ownership : undefined;
}

function hash(...parts: readonly string[]): string {
  return createHash("sha256").update(JSON.stringify(parts)).digest("base64url");
}
