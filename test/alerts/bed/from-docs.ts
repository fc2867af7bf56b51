import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";

/**
 * The YAML of docs/alerts.md whose first line is the comment `# name`, with what a reader would
 * replace replaced. So what readers copy is what is tested.
 *
 * @throws AssertionError: the docs have no such block, or one of the words is not in it
 */
export async function fromDocs(
  name: string,
  replacements: Readonly<Record<string, string>>,
): Promise<string> {
  const docs = await readFile("docs/alerts.md", "utf8");
  const blocks = [...docs.matchAll(/```yaml\n([\s\S]*?)```/g)].map(([, yaml]) => yaml!);
  let text = blocks.find((yaml) => yaml.startsWith(`# ${name}\n`));
  assert.ok(text !== undefined, `docs/alerts.md has no ${name}`);
  for (const [word, other] of Object.entries(replacements)) {
    assert.ok(text.includes(word), `${name} in docs/alerts.md says nothing of ${word}`);
    text = text.replaceAll(word, other);
  }
  return text;
}
