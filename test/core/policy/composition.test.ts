import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { composition } from "../../../src/core/policy/composition.js";

test("B3.5 docs and code have one order of composition", async () => {
  const text = await readFile("docs/policies.md", "utf8");
  const [, section = ""] = text.split("## The order of composition");
  const rows = [...section.matchAll(/^\| (B[\d.]+) \| ([^|]+?) +\| (yes|no) +\|$/gm)];
  assert.deepEqual(
    rows.map(([, rule, name, force]) => ({ rule, name, passedByForce: force === "yes" })),
    composition.map(({ rule, name, passedByForce }) => ({ rule, name, passedByForce })),
  );
});
