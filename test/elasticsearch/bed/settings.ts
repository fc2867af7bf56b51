import { readdir, readFile } from "node:fs/promises";
import { join, resolve } from "node:path";

/** All that the bed keeps; `MUSTER_ELASTICSEARCH` moves it. */
export const stateDir = resolve(process.env["MUSTER_ELASTICSEARCH"] ?? ".bed/elasticsearch");
/** Jars survive `down --clean`: they are the same for every run. */
export const jarsDir = resolve(process.env["MUSTER_ELASTICSEARCH_JARS"] ?? join(stateDir, "jars"));
export const sources = join("test", "elasticsearch", "bed");
export const home = join(stateDir, "node");

const address = "127.0.0.1";
const httpPort = Number(process.env["MUSTER_ELASTICSEARCH_PORT"] ?? 27_000);
export const serverUrl = `http://${address}:${httpPort}`;

/** What goes into `elasticsearch.yml`. JSON is YAML too. */
export const serverSettings = {
  "cluster.name": "muster-test",
  "node.name": "bed",
  "discovery.type": "single-node",
  "network.host": address,
  "http.port": httpPort,
  "transport.port": httpPort + 1,
  "path.data": join(home, "data"),
  "path.logs": join(home, "logs"),
  // A full disk of the machine is not what the tests are about.
  "cluster.routing.allocation.disk.threshold_enabled": false,
} as const;

export const logSettings = `status = error
appender.out.type = Console
appender.out.name = out
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = %-5level %d{ISO8601} [%t] %c{1}: %m%n
rootLogger.level = info
rootLogger.appenderRef.out.ref = out
`;

/** For a small server that starts soon. */
export function javaWords(conf: string): readonly string[] {
  const native = ["org.elasticsearch.nativeaccess", "org.elasticsearch.foreign"];
  return [
    ...["-Xms512m", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"],
    "-XX:+ExitOnOutOfMemoryError",
    `-Djava.io.tmpdir=${join(home, "tmp")}`,
    ...["-p", join(jarsDir, "lib")],
    ...["--add-modules", "ALL-MODULE-PATH,jdk.net,jdk.incubator.vector"],
    `--enable-native-access=${[...native, "org.apache.lucene.core"].join(",")}`,
    // Its native library is not among the published jars; the same in Java serves.
    "-Dorg.elasticsearch.nativeaccess.enableVectorLibrary=false",
    ...["-Dlog4j2.disable.jmx=true", "-Dlog4j.shutdownHookEnabled=false"],
    `-Dmuster.bed=${home}`,
    ...[resolve(sources, "Launcher.java"), jarsDir, conf],
  ];
}

const javaVersionMin = 21;

/**
 * A Java that the server runs on: `MUSTER_ELASTICSEARCH_JAVA_HOME`, `JAVA_HOME`, or one of the
 * installed ones.
 *
 * @throws Error: there is none
 */
export async function javaProgram(): Promise<string> {
  const installed = "/usr/lib/jvm";
  const names = await readdir(installed).catch(() => []);
  const named = [process.env["MUSTER_ELASTICSEARCH_JAVA_HOME"], process.env["JAVA_HOME"]];
  const all = [...named, ...names.map((name) => join(installed, name))];
  for (const folder of all)
    if (folder && (await javaVersion(folder)) >= javaVersionMin) return join(folder, "bin", "java");
  throw new Error(`no JDK ${javaVersionMin} or later: name one in MUSTER_ELASTICSEARCH_JAVA_HOME`);
}

async function javaVersion(folder: string): Promise<number> {
  const release = await readFile(join(folder, "release"), "utf8").catch(() => "");
  return Number(/^JAVA_VERSION="(\d+)/m.exec(release)?.[1] ?? 0);
}
