/** Of a console's output, so much is kept for people. */
export const consoleLinesMax = 20;
const lineLengthMax = 200;
/** What is before is not looked at. */
const lengthMax = 64 * 1_024;

/**
 * The last lines of a console for people to read: without control characters, and without what
 * looks like a secret. A console may say a secret in words that nobody can foresee, so whoever
 * reads this must be one who may read the launch configuration too.
 */
export function tidyConsole(output: string): string {
  const lines = output
    .slice(-lengthMax)
    .split(/\r\n|\r|\n/)
    .map((line) => line.replaceAll(/\p{C}/gu, " ").trimEnd())
    .filter((line) => line !== "");
  return withoutSecrets(lines)
    .slice(-consoleLinesMax)
    .map((line) => (line.length > lineLengthMax ? `${line.slice(0, lineLengthMax)}…` : line))
    .join("\n");
}

const withheld = "[withheld]";
const keyBegins = /-----BEGIN [A-Z0-9 ]*PRIVATE KEY/;
const keyEnds = /-----END [A-Z0-9 ]*PRIVATE KEY/;

/** Words after which a secret is said: the rest of the line goes, or all of the next one. */
const telling =
  /(pass(?:word|wd|phrase)|secret|token|credential|authorization|api.?key|access.?key|private.?key)(s?)\b(.*)$/i;

function withoutSecrets(lines: readonly string[]): readonly string[] {
  let isKey = false;
  let isNext = false;
  return lines.map((line) => {
    if (keyBegins.test(line)) isKey = true;
    const isSecret = isKey || isNext;
    if (keyEnds.test(line)) isKey = false;
    const word = telling.exec(line);
    isNext = word !== null && isNothing(word[3]);
    return isSecret ? withheld : withoutSecret(line);
  });
}

const isNothing = (rest = "") => /^\W*$/.test(rest);

function withoutSecret(line: string): string {
  return line
    .replace(telling, (_, word: string, many: string, rest: string) =>
      isNothing(rest) ? `${word}${many}${rest}` : `${word}${many} ${withheld}`,
    )
    .replaceAll(/:\/\/[^\s/@]+@/g, `://${withheld}@`)
    .replaceAll(/[\w+=-]{40,}|^[\w+/=-]{60,}$/g, withheld);
}
