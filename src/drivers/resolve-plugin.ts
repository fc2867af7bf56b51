import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

/**
 * Imports the module that `use` names. `file:` and `npm:` are looked for from `baseDir`, where the
 * configuration lies, and not from where Muster is installed.
 *
 * @throws when there is none, or when importing it fails.
 */
export async function importPlugin(
  use: string,
  baseDir: string,
  builtins: Readonly<Record<string, () => Promise<unknown>>>,
): Promise<unknown> {
  const [, scheme, name] = /^(builtin|npm|file):(.+)$/.exec(use) ?? [];
  if (scheme === undefined || name === undefined)
    throw new Error("must begin with builtin:, npm: or file:");
  if (scheme === "file") return await import(pathToFileURL(pathOf(use, baseDir)).href);
  if (scheme === "npm") return await import(await findPackage(name, baseDir));
  const builtin = Object.hasOwn(builtins, name) ? builtins[name] : undefined;
  if (!builtin) throw new Error(`no such driver; there are ${Object.keys(builtins).join(", ")}`);
  return await builtin();
}

/** `file:./x.js` and `file:/x.js` as people write them, `file:///x.js` as the standard has it. */
function pathOf(use: string, baseDir: string): string {
  return use.startsWith("file://")
    ? fileURLToPath(use)
    : resolve(baseDir, use.slice("file:".length));
}

/**
 * The package's entry as a URL. Node's own resolver from another folder is that of `require`, which
 * knows nothing of packages that export only to `import`: for those the entry is looked up here.
 */
async function findPackage(name: string, baseDir: string): Promise<string> {
  const local = createRequire(join(baseDir, "muster.js"));
  try {
    return pathToFileURL(local.resolve(name)).href;
  } catch (error) {
    const entry = await findImportEntry(name, local.resolve.paths(name) ?? []);
    if (entry === undefined) throw error;
    return pathToFileURL(entry).href;
  }
}

async function findImportEntry(
  name: string,
  folders: readonly string[],
): Promise<string | undefined> {
  const [, packageName, below = ""] = /^(@[^/]+\/[^/]+|[^/]+)(.*)$/.exec(name) ?? [];
  if (packageName === undefined) return undefined;
  for (const folder of folders) {
    const manifestPath = join(folder, packageName, "package.json");
    const manifest = await readFile(manifestPath, "utf8").catch(() => undefined);
    if (manifest === undefined) continue;
    const { exports } = JSON.parse(manifest) as { readonly exports?: unknown };
    const entry = importEntryOf(exports, `.${below}`);
    return entry === undefined ? undefined : join(dirname(manifestPath), entry);
  }
  return undefined;
}

/** What `exports` gives to an ES module: a path, by subpath and by condition. */
function importEntryOf(exports: unknown, subpath: string): string | undefined {
  if (typeof exports === "string") return subpath === "." ? exports : undefined;
  if (typeof exports !== "object" || exports === null) return undefined;
  const entries = Object.entries(exports);
  if (entries.some(([key]) => key.startsWith(".")))
    return importConditionOf(entries.find(([key]) => key === subpath)?.[1]);
  return subpath === "." ? importConditionOf(exports) : undefined;
}

function importConditionOf(target: unknown): string | undefined {
  if (typeof target === "string") return target;
  if (typeof target !== "object" || target === null) return undefined;
  for (const [condition, value] of Object.entries(target)) {
    if (!["node", "import", "default"].includes(condition)) continue;
    const found = importConditionOf(value);
    if (found !== undefined) return found;
  }
  return undefined;
}
