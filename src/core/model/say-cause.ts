import type { Cause } from "./cause.js";

/** A cause as a sentence. */
export function sayCause(cause: Cause): string {
  const facts = Object.entries(cause.facts).map(([name, value]) => `${name} ${value}`);
  const words = cause.code.toLowerCase().replaceAll("_", " ");
  return facts.length > 0 ? `${words}: ${facts.join(", ")}` : words;
}
