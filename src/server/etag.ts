/** Etags are opaque to callers; inside, they are the generation of what is stored. */
export function etagOf(generation: number): string {
  return `"${generation.toString(36)}"`;
}

/**
 * Matches no stored generation, so that an etag which never was one is a mismatch like any other.
 */
const NEVER = -1;

/** undefined: the caller does not mind. */
export function generationOf(etag: string): number | undefined {
  if (etag === "") return undefined;
  const generation = Number.parseInt(etag.slice(1, -1), 36);
  return etagOf(generation) === etag ? generation : NEVER;
}
