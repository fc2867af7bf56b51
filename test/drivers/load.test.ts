import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";
import { Fault } from "../../src/core/errors/fault.js";
import type { DriverHost, DriverKind } from "../../src/core/ports/driver.js";
import type { LogFields } from "../../src/core/ports/log.js";
import { createSystemClock, createSystemIds } from "../../src/drivers/clock-system/index.js";
import { type DriverRequest, loadDrivers } from "../../src/drivers/load.js";

const fixtures = fileURLToPath(new URL("../fixtures/drivers/", import.meta.url));
const good = "file:./good-cloud.js";
const launch = { image: "x", flavor: "y", userData: "", metadata: {}, parameters: {} };
const call = { signal: new AbortController().signal as AbortSignal };
let dir = "";

before(async () => {
  dir = await mkdtemp(join(tmpdir(), "muster-load-"));
  const target = pathToFileURL(join(fixtures, "good-cloud.js")).href;
  const plugin = `export { default } from ${JSON.stringify(target)};\n`;
  const folder = join(dir, "node_modules", "@acme", "cloud");
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "entry.js"), plugin);
  const manifest = { type: "module", exports: { ".": { import: "./entry.js" } } };
  await writeFile(join(folder, "package.json"), JSON.stringify(manifest));
  await writeFile(join(dir, "package.json"), `{ "type": "module" }`);
  const bad = {
    "no-default.js": "export const a = 1;",
    "throws.js": "throw new Error('broken on import');",
    "old-version.js": "export default { kind: 'cloud', name: 'old', apiVersion: 99 };",
    "balancer.js": "export default { kind: 'loadBalancer', name: 'lb', apiVersion: 1 };",
    "half.js":
      "export default { kind: 'cloud', name: 'half', apiVersion: 1, optionsSchema: {}," +
      " open: async () => ({ close: async () => {} }) };",
    "bad-schema.js":
      "export default { kind: 'cloud', name: 'bad', apiVersion: 1," +
      " optionsSchema: { type: 'objekt' }, open: async () => {} };",
  };
  for (const [name, text] of Object.entries(bad)) await writeFile(join(dir, name), text);
});

after(async () => await rm(dir, { recursive: true, force: true }));

function hostWith(lines: string[] = []): DriverHost {
  const note = (_: LogFields, message: string) => void lines.push(message);
  const log = { info: note, warn: note, error: note, debug: note };
  const dataDir = join(dir, "data");
  return {
    ...{ clock: createSystemClock(), ids: createSystemIds(), log, dataDir },
    ...{ installation: "here", colo: "iad", credentials: { of: async () => undefined } },
  };
}

function cloud(use: string, options?: unknown, host = hostWith()): DriverRequest<"cloud"> {
  return { kind: "cloud", field: "colos.iad.cloud", use, options, host, probeAccount: "acme" };
}

/** The violations of a load that must be refused. */
async function violationsOf(
  requests: Readonly<Record<string, DriverRequest<DriverKind>>>,
  baseDir = dir,
) {
  let thrown: unknown;
  await loadDrivers(requests, { baseDir, startMsMax: 200 }).catch((error: unknown) => {
    thrown = error;
  });
  assert.ok(thrown instanceof Fault, `not refused: ${String(thrown)}`);
  assert.equal(thrown.reason, "CONFIG_INVALID");
  return thrown.violations.map(({ field, description }) => `${field}: ${description}`);
}

test("M4.1 built-in, file and npm drivers load the same way, with defaults filled in", async () => {
  const fromFile = `file:${join(fixtures, "good-cloud.js")}`;
  const loaded = await loadDrivers(
    {
      builtin: cloud("builtin:simulated", { pageServersMax: 3 }),
      process: cloud("builtin:process", { portRange: { from: 20_000, to: 20_010 } }),
      file: cloud(fromFile, { greeting: "file" }),
      npm: cloud("npm:@acme/cloud"),
    },
    { baseDir: dir },
  );
  const { checkLaunch } = loaded.npm.driver;
  const greeted = await checkLaunch({ account: "acme", launch }, call);
  assert.deepEqual(greeted, [{ field: "image", description: "hello" }]);
  const asked = { account: "acme", installation: "here" };
  assert.deepEqual(await loaded.process.driver.listServers(asked, call), { servers: [] });
  for (const { driver } of Object.values(loaded)) await driver.close();
});

test("M4.1 what cannot be found or imported is refused at resolve", async () => {
  for (const [use, expected] of [
    ["builtin:nova", /refused at resolve: no such driver; there are process, simulated/],
    ["builtin:toString", /refused at resolve: no such driver/],
    ["process", /refused at resolve: must begin with builtin:, npm: or file:/],
    ["file:./absent.js", /driver file:.\/absent.js refused at resolve: Cannot find module/],
    ["file:./throws.js", /refused at resolve: broken on import/],
    ["npm:@acme/absent", /refused at resolve: Cannot find module '@acme\/absent'/],
    ["npm:@acme/cloud/inner", /refused at resolve: /],
  ] as const) {
    const [violation = "", ...more] = await violationsOf({ one: cloud(use) });
    assert.match(violation, expected);
    assert.match(violation, /^colos\.iad\.cloud\.use: driver /);
    assert.deepEqual(more, []);
  }
});

test("M4.1 another kind, another version or no definition is refused at handshake", async () => {
  for (const [use, expected] of [
    ["file:./no-default.js", /default export is not a driver definition/],
    ["file:./old-version.js", /speaks driver API version 99, this Muster 1/],
    ["file:./balancer.js", /is a driver of kind loadBalancer, needed is cloud/],
    ["file:./bad-schema.js", /optionsSchema is not a valid JSON Schema/],
  ] as const) {
    const [violation = ""] = await violationsOf({ one: cloud(use) });
    assert.match(violation, /refused at handshake: /);
    assert.match(violation, expected);
  }
});

test("M4.1 options are refused by their path, unknown keys too, all at once", async () => {
  const portRange = { from: 80, too: 1 };
  const builtin = await violationsOf({
    one: cloud("builtin:process", { portRange, bootDelay: 1, quota: "many" }),
  });
  const field = "colos.iad.cloud.options";
  const refused = "driver builtin:process refused at options";
  assert.deepEqual(builtin.toSorted(), [
    `${field}.bootDelay: ${refused}: unknown option`,
    `${field}.portRange.from: ${refused}: must be >= 1024`,
    `${field}.portRange.to: ${refused}: is required`,
    `${field}.portRange.too: ${refused}: unknown option`,
    `${field}.quota: ${refused}: must be integer`,
  ]);
  const forgetful = await violationsOf(
    { one: cloud(good, { greeting: "hi", typo: 1, nested: { "a/b": "x" } }) },
    fixtures,
  );
  assert.match(forgetful.join("\n"), /options\.typo: .*unknown option/);
  assert.match(forgetful.join("\n"), /options\.nested\.a\/b: .*must be integer/);
});

test("M4.1 a driver that fails or hangs while opening, or is only half one, is refused", async () => {
  const lines: string[] = [];
  const all = await violationsOf(
    {
      failing: cloud(good, { failAt: "open" }),
      hanging: cloud(good, { failAt: "openNever" }),
      fine: cloud(good, {}, hostWith(lines)),
    },
    fixtures,
  );
  assert.equal(all.length, 2);
  assert.match(all[0] ?? "", /refused at open: no licence/);
  assert.match(all[1] ?? "", /refused at open: no answer in 200 ms/);
  assert.deepEqual(lines, ["closed"], "what did open is closed again");
  const [half = ""] = await violationsOf({ one: cloud("file:./half.js") });
  assert.match(half, /refused at open: lacks capabilities, createServer, deleteServer/);
});

test("M4.1 a probe that is denied is refused; an outage is not a mistake", async () => {
  const [denied = ""] = await violationsOf({ one: cloud(good, { failAt: "probe" }) }, fixtures);
  assert.match(denied, /refused at probe: denied: wrong password/);
  const lines: string[] = [];
  const request = cloud(good, { failAt: "outage" }, hostWith(lines));
  const { one } = await loadDrivers({ one: request }, { baseDir: fixtures });
  assert.match(lines[0] ?? "", /did not answer the probe/);
  await one.driver.close();
});

test("M4.1 the failures of all drivers are reported together", async () => {
  const all = await violationsOf(
    {
      iad: { ...cloud("builtin:nova"), field: "colos.iad.cloud" },
      dfw: { ...cloud(good, { failAt: "probe" }), field: "colos.dfw.cloud" },
      lon: { ...cloud("builtin:process", { quota: -1 }), field: "colos.lon.cloud" },
    },
    fixtures,
  );
  assert.deepEqual(
    all.map((line) => line.split(":")[0]),
    ["colos.iad.cloud.use", "colos.dfw.cloud.use", "colos.lon.cloud.options.quota"],
  );
});
