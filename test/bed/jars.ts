import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

/** Where a server's jars come from, and where they go. */
export interface Jars {
  /** Folder of the bed's `pom.xml` and `jars.sha256`. */
  readonly sources: string;
  readonly dir: string;
  /** What Maven is asked for, so that it lays the jars into `dir`. */
  readonly goals: readonly string[];
}

const fetchMsMax = 600_000;
/** Registries have their moments. */
const fetchTriesMax = 3;

/**
 * Brings the server's jars: those of `pom.xml`, by Maven, from wherever the user's Maven takes its
 * packages. They must be byte for byte the ones that `jars.sha256` lists.
 *
 * @throws Error: Maven cannot bring them, or one is not what it was
 */
export async function ensureJars({ sources, dir, goals }: Jars): Promise<void> {
  const wanted = await readFile(join(sources, "jars.sha256"), "utf8");
  if ((await sums(dir)) === wanted) return;
  console.log(`fetching the server into ${dir}`);
  await rm(dir, { recursive: true, force: true });
  await mkdir(dir, { recursive: true });
  const how = ["--batch-mode", "--no-transfer-progress", "--quiet", "--strict-checksums"];
  const words = [...how, "-f", join(sources, "pom.xml"), ...goals];
  for (let tries = 1; ; tries++) {
    const asked = promisify(execFile)("mvn", words, { timeout: fetchMsMax });
    const error = await asked.then(
      () => undefined,
      (reason: unknown) => reason,
    );
    if (error === undefined) break;
    if (tries === fetchTriesMax) throw error;
  }
  const found = new Set((await sums(dir)).split("\n"));
  const missing = wanted.split("\n").filter((line) => !found.delete(line));
  const wrong = [...missing, ...found].map((line) => line.slice(line.indexOf(" ")).trim());
  if (wrong.length > 0) throw new Error(`not the jars of jars.sha256: ${wrong.join(", ")}`);
}

/** As `sha256sum` prints them, by name. */
async function sums(dir: string): Promise<string> {
  const files = await readdir(dir, { recursive: true }).catch(() => []);
  const lines = files
    .filter((file) => file.endsWith(".jar"))
    .sort()
    .map(async (file) => {
      const sum = createHash("sha256").update(await readFile(join(dir, file)));
      return `${sum.digest("hex")}  ${file}\n`;
    });
  return (await Promise.all(lines)).join("");
}
