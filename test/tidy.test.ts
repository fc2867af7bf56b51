import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { test } from "node:test";

const linesMax = 400;
const columnsMax = 100;

const sources = ["src", "clients", "test", "bench", "examples"]
  .flatMap((top) =>
    readdirSync(top, { recursive: true, encoding: "utf8" }).map((file) => join(top, file)),
  )
  .filter((file) => file.endsWith(".ts") && !file.startsWith("src/gen/"))
  .map((path) => ({ path, text: readFileSync(path, "utf8") }));

/** The files of this repository that a file imports, and the packages. */
function importsOf({ path, text }: (typeof sources)[number]) {
  const named = [...text.matchAll(/(?:from|import)\s*\(?\s*"([^"]+)"/g)].map((match) => match[1]!);
  return {
    local: named
      .filter((name) => name.startsWith("."))
      .map((name) => normalize(join(dirname(path), name)).replace(/\.js$/, ".ts")),
    packages: named.filter((name) => !name.startsWith(".") && !name.startsWith("node:")),
  };
}

/** Who may import whom. First match wins; a room may always import itself. */
const rooms: readonly { readonly room: string; readonly may: readonly string[] }[] = [
  { room: "src/core/model/", may: [] },
  { room: "src/core/errors/", may: [] },
  { room: "src/core/admission/", may: ["src/core/model/", "src/core/errors/"] },
  { room: "src/core/policy/", may: ["src/core/model/", "src/core/errors/"] },
  {
    room: "src/core/simulate/",
    may: ["src/core/model/", "src/core/errors/", "src/core/policy/"],
  },
  { room: "src/core/plan/", may: ["src/core/model/", "src/core/errors/"] },
  // Its words are its own: it would not notice the planner's mistakes if it shared them.
  { room: "src/core/invariants/", may: ["src/core/model/", "src/core/errors/"] },
  { room: "src/core/explain/", may: ["src/core/model/", "src/core/errors/"] },
  { room: "src/core/ports/", may: ["src/core/model/", "src/core/errors/"] },
  { room: "src/supervisor/", may: ["src/core/"] },
  {
    room: "src/server/",
    may: ["src/core/model/", "src/core/errors/", "src/core/ports/", "src/supervisor/", "src/gen/"],
  },
  { room: "src/gen/", may: [] },
];

/** Library folders that several drivers share; they are nobody's driver. */
const shared = ["sqlite-worker", "store-rules", "journal-rules", "openstack"].map(
  (one) => `src/drivers/${one}/`,
);
const driverMay = ["src/core/model/", "src/core/errors/", "src/core/ports/", ...shared];

test("style 1: every room imports only what it may", () => {
  const broken: string[] = [];
  for (const source of sources) {
    const { path } = source;
    const rule = rooms.find(({ room }) => path.startsWith(room));
    const driver = /^src\/drivers\/[^/]+\//.exec(path)?.[0];
    if (!rule && !driver) continue;
    const room = rule?.room ?? driver!;
    const may = rule?.may ?? driverMay;
    for (const to of importsOf(source).local)
      if (!to.startsWith(room) && !may.some((one) => to.startsWith(one)))
        broken.push(`${path} imports ${to}`);
  }
  assert.deepEqual(broken, []);
});

test("style 3: the core knows no package, no Node module, no clock, no chance, no await", () => {
  const forbidden = [
    /\bawait\b/,
    /Date\.now/,
    /Math\.random/,
    /process\./,
    /from "node:/,
    /new Date\(\)/,
  ];
  const broken = sources
    .filter(({ path }) => path.startsWith("src/core/"))
    .flatMap((source) => [
      ...forbidden
        .filter((one) => one.test(code(source.text)))
        .map((one) => `${source.path}: ${one}`),
      ...importsOf(source).packages.map((name) => `${source.path}: ${name}`),
    ]);
  assert.deepEqual(broken, []);
});

test("style 4: what the supervisor does is decided by injected time and chance alone", () => {
  const forbidden = [
    /Date\.now/,
    /Math\.random/,
    /\bsetTimeout\(/,
    /\bsetInterval\(/,
    /performance\./,
  ];
  const broken = sources
    .filter(({ path }) => path.startsWith("src/supervisor/"))
    .flatMap(({ path, text }) =>
      forbidden.filter((one) => one.test(code(text))).map((one) => `${path}: ${one}`),
    );
  assert.deepEqual(broken, []);
});

test("B9.1 only colo/outside.ts calls the drivers: nothing goes around gate and admission", () => {
  // The one calls; through the other, calls pass under the monitor's eyes.
  const may = ["src/supervisor/colo/outside.ts", "src/supervisor/monitor/watched-drivers.ts"];
  const methods = ["createServer", "deleteServer", "changeMembers", "getServer", "listServers"];
  methods.push("findByIntention", "checkLaunch", "listMembers", "tagServer", "project", "quota");
  const call = new RegExp(String.raw`(\boutside)?\??\.(${methods.join("|")})\(`, "g");
  const broken = sources
    .filter(({ path }) => path.startsWith("src/supervisor/") && !may.includes(path))
    .flatMap(({ path, text }) => [
      ...[...code(text).matchAll(call)]
        .filter((found) => found[1] === undefined)
        .map((found) => `${path} calls ${found[0]}`),
      ...[...code(text).matchAll(/\b(CloudDriver|LoadBalancerDriver)\b/g)].map(
        (found) => `${path} knows ${found[0]}`,
      ),
    ]);
  assert.deepEqual(broken, []);
});

test("style 6: no file is longer than one can read, no line wider", () => {
  const long = sources
    .map(({ path, text }) => ({ path, lines: text.split("\n").length - 1 }))
    .filter(({ lines }) => lines > linesMax)
    .map(({ path, lines }) => `${path}: ${lines} lines`);
  const wide = sources.flatMap(({ path, text }) =>
    text
      .split("\n")
      .map((line, index) => ({ line, at: `${path}:${index + 1}` }))
      .filter(
        ({ line }) =>
          line.length > columnsMax && !/https?:|"[^"]{60,}"|`[^`]{60,}`|\/.{60,}\//.test(line),
      )
      .map(({ at }) => at),
  );
  assert.deepEqual([...long, ...wide], []);
});

test("style 1: no import runs in a circle", () => {
  const graph = new Map(sources.map((source) => [source.path, importsOf(source).local]));
  const done = new Set<string>();
  const circles: string[] = [];
  const visit = (path: string, trail: readonly string[]): void => {
    if (trail.includes(path)) circles.push([...trail.slice(trail.indexOf(path)), path].join(" → "));
    if (done.has(path) || trail.includes(path)) return;
    for (const next of graph.get(path) ?? []) visit(next, [...trail, path]);
    done.add(path);
  };
  for (const path of graph.keys()) visit(path, []);
  assert.deepEqual(circles, []);
});

test("style 7: tests name what they prove, none is switched off, nothing is left for later", () => {
  const broken = sources
    .filter(({ path }) => path !== "test/tidy.test.ts")
    .flatMap(({ path, text }) => {
      const found: string[] = [];
      if (/\b(TODO|FIXME|XXX|HACK)\b/.test(text)) found.push(`${path}: left for later`);
      if (/\b(test|describe|it)\.(skip|only|todo)\(/.test(text))
        found.push(`${path}: switched off`);
      if (/@ts-(ignore|expect-error|nocheck)|\bas any\b/.test(text))
        found.push(`${path}: types off`);
      return found;
    });
  assert.deepEqual(broken, []);
});

test("style 9: the documents that a reader looks for are there, and their links lead somewhere", () => {
  const tops = [
    "README.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "SCOPE.md",
    "LICENSE",
    "package-lock.json",
  ];
  assert.deepEqual(
    tops.filter((file) => !existsSync(file)),
    [],
  );
  const pages = [
    ...tops.filter((file) => file.endsWith(".md")),
    ...readdirSync("docs", { recursive: true, encoding: "utf8" })
      .filter((file) => file.endsWith(".md"))
      .map((file) => join("docs", file)),
  ];
  const dead = pages.flatMap((page) =>
    [...readFileSync(page, "utf8").matchAll(/\]\((?!https?:|#)([^)#]+)/g)]
      .map((match) => join(dirname(page), match[1]!))
      .filter((target) => !existsSync(target))
      .map((target) => `${page} → ${target}`),
  );
  assert.deepEqual(dead, []);
});

/** The text without comments and strings, roughly: enough to look for calls. */
function code(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, "").replace(/\/\/.*$/gm, "");
}
