import assert from "node:assert/strict";
import { mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { createSwitchFile } from "../../src/drivers/switch-file/index.js";

test("B9.1 a switch file is there or for certain not; what is neither throws", async (t) => {
  const dir = await mkdtemp(join(tmpdir(), "muster-switch-"));
  t.after(() => rm(dir, { recursive: true }));
  const path = join(dir, "STOP");
  const file = createSwitchFile(path);
  assert.equal(file.name, path);
  assert.equal(await file.read(), undefined);
  await writeFile(path, "");
  assert.equal(await file.read(), "");
  await writeFile(path, "x".repeat(100_000));
  assert.equal((await file.read())?.length, 64 * 1024, "a huge one is not read whole");
  await rm(path);
  assert.equal(await file.read(), undefined);
  assert.equal(await createSwitchFile(join(dir, "none", "STOP")).read(), undefined);
  // A folder, and a link to itself: something is there, and nobody can say what it wants.
  await assert.rejects(createSwitchFile(dir).read());
  await symlink(path, path);
  await assert.rejects(file.read());
});
