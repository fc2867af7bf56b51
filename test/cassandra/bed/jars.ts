import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { jarsDir } from "./settings.js";

const sources = join("test", "cassandra", "bed");
const fetchMsMax = 600_000;

/**
 * Brings the server's jars: those of `pom.xml`, by Maven, from wherever the user's Maven takes its
 * packages. They must be byte for byte the ones that `jars.sha256` lists.
 *
 * @throws Error: Maven cannot bring them, or one is not what it was
 */
export async function ensureJars(): Promise<void> {
  const wanted = await readFile(join(sources, "jars.sha256"), "utf8");
  if ((await sums()) === wanted) return;
  console.log(`fetching the server into ${jarsDir}`);
  await rm(jarsDir, { recursive: true, force: true });
  await mkdir(jarsDir, { recursive: true });
  await promisify(execFile)(
    "mvn",
    [
      ...["--batch-mode", "--no-transfer-progress", "--quiet", "--strict-checksums"],
      ...["-f", join(sources, "pom.xml"), "dependency:copy-dependencies"],
      ...["-DincludeScope=runtime", `-DoutputDirectory=${jarsDir}`],
    ],
    { timeout: fetchMsMax },
  );
  const found = new Set((await sums()).split("\n"));
  const missing = wanted.split("\n").filter((line) => !found.delete(line));
  const wrong = [...missing, ...found].map((line) => line.slice(line.indexOf(" ")).trim());
  if (wrong.length > 0) throw new Error(`not the jars of jars.sha256: ${wrong.join(", ")}`);
}

/** As `sha256sum *.jar` prints them. */
async function sums(): Promise<string> {
  const files = await readdir(jarsDir).catch(() => []);
  const lines = files
    .filter((file) => file.endsWith(".jar"))
    .sort()
    .map(async (file) => {
      const sum = createHash("sha256").update(await readFile(join(jarsDir, file)));
      return `${sum.digest("hex")}  ${file}\n`;
    });
  return (await Promise.all(lines)).join("");
}
