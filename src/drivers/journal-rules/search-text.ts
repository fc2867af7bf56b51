import { invalidFields } from "../../core/errors/fault.js";
import type { MusterEvent } from "../../core/model/event.js";

/** Tokens that must follow one another; the last one of a prefix phrase may go on. */
export interface Phrase {
  readonly tokens: readonly string[];
  readonly isPrefix: boolean;
}

const textLengthMax = 1_000;
const phrasesMax = 32;

/** Letters and digits, without case and accents: what every journal compares. */
export function tokensOf(text: string): readonly string[] {
  const plain = text
    .normalize("NFKD")
    .replace(/\p{M}+/gu, "")
    .toLowerCase();
  return plain.match(/[\p{L}\p{N}]+/gu) ?? [];
}

/** What a search looks into: the message and the names and values of the facts. */
export function searchedTokens(event: MusterEvent): readonly string[] {
  const facts = Object.entries(event.facts).map(([name, value]) => `${name} ${value}`);
  return tokensOf([event.message, ...facts].join("\n"));
}

/**
 * A word such as `web-01` is a phrase of its tokens; one without letter or digit asks for nothing.
 *
 * @throws Fault `FIELD_INVALID`: longer than anyone types.
 */
export function phrasesOf(text: string): readonly Phrase[] {
  const words = text.split(/\s+/u).filter((word) => word !== "");
  if (text.length > textLengthMax || words.length > phrasesMax) throw tooLong();
  return words.flatMap((word, index) => {
    const tokens = tokensOf(word);
    const isPrefix = index === words.length - 1 && word.endsWith("*");
    return tokens.length > 0 ? [{ tokens, isPrefix }] : [];
  });
}

function tooLong() {
  const description = `at most ${textLengthMax} characters in ${phrasesMax} words`;
  return invalidFields([{ field: "text", description }]);
}
