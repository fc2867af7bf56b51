import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";

const installed = "/usr/lib/jvm";

/**
 * A Java that a server runs on: that of `variable`, of `JAVA_HOME`, or one of the installed ones.
 *
 * @throws Error: there is none
 */
export async function javaProgram(wanted: {
  readonly from: number;
  readonly to: number;
  /** Of the environment; names a JDK's folder. */
  readonly variable: string;
}): Promise<string> {
  const { from, to, variable } = wanted;
  const names = await readdir(installed).catch(() => []);
  const named = [process.env[variable], process.env["JAVA_HOME"]];
  for (const folder of [...named, ...names.map((name) => join(installed, name))]) {
    const version = folder ? await javaVersion(folder) : 0;
    if (folder && version >= from && version <= to) return join(folder, "bin", "java");
  }
  const say = Number.isFinite(to) ? `${from} to ${to}` : `${from} or later`;
  throw new Error(`no JDK ${say}: name one in ${variable}`);
}

async function javaVersion(folder: string): Promise<number> {
  const release = await readFile(join(folder, "release"), "utf8").catch(() => "");
  return Number(/^JAVA_VERSION="(\d+)/m.exec(release)?.[1] ?? 0);
}
