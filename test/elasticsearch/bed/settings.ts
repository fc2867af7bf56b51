import { join, resolve } from "node:path";
import { networks, type Place, placeIn } from "../../bed/place.js";

/** All that the bed keeps; `MUSTER_ELASTICSEARCH` moves it. */
export const stateDir = resolve(process.env["MUSTER_ELASTICSEARCH"] ?? ".bed/elasticsearch");
/** Jars survive `down --clean`: they are the same for every run. */
export const jarsDir = resolve(process.env["MUSTER_ELASTICSEARCH_JARS"] ?? join(stateDir, "jars"));
export const sources = join("test", "elasticsearch", "bed");

const httpPort = Number(process.env["MUSTER_ELASTICSEARCH_PORT"] ?? 27_000);

/** One server of the bed, a cluster of its own. */
export interface ServerSettings extends Place {
  /** Where there are networks, its colo; else "node". */
  readonly name: string;
  readonly home: string;
  readonly url: string;
}

/** One in each network; without networks a single one. */
export function layout(): readonly ServerSettings[] {
  const names = networks.length > 0 ? networks : ["node"];
  return names.map((name) => {
    const place = placeIn(name, 1);
    const url = `http://${place.address}:${httpPort}`;
    return { ...place, name, url, home: join(stateDir, name) };
  });
}

/** What goes into `elasticsearch.yml`. JSON is YAML too. */
export const serverSettings = ({ address, home }: ServerSettings) => ({
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
});

export const logSettings = `status = error
appender.out.type = Console
appender.out.name = out
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = %-5level %d{ISO8601} [%t] %c{1}: %m%n
rootLogger.level = info
rootLogger.appenderRef.out.ref = out
`;

/** For a small server that starts soon. */
export function javaWords(home: string, conf: string): readonly string[] {
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

export const java = {
  from: 21,
  to: Number.POSITIVE_INFINITY,
  variable: "MUSTER_ELASTICSEARCH_JAVA_HOME",
} as const;
