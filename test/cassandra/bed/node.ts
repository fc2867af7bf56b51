import { mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { javaProgram } from "../../bed/java.js";
import { createServerProcess, type ServerProcess } from "../../bed/server-process.js";
import { jarsDir, java, javaFlags, layout, type NodeSettings, serverSettings } from "./settings.js";

const mainClass = "org.apache.cassandra.service.CassandraDaemon";

/** A server of the bed. */
export interface BedNode extends NodeSettings, ServerProcess {}

export function bedNodes(): readonly BedNode[] {
  const all = layout();
  return all.map((settings) => createNode(settings, all));
}

function createNode(settings: NodeSettings, all: readonly NodeSettings[]): BedNode {
  const server = createServerProcess({
    name: `node ${settings.number}`,
    home: settings.home,
    mark: `-Dcassandra.storagedir=${settings.home}`,
    async prepare() {
      await configure(settings, all);
      return [...settings.enter, await javaProgram(java), ...(await wordsOf(settings))];
    },
  });
  return { ...settings, ...server };
}

async function configure(node: NodeSettings, all: readonly NodeSettings[]): Promise<void> {
  const conf = join(node.home, "conf");
  await mkdir(conf, { recursive: true });
  await writeFile(join(conf, "cassandra.yaml"), JSON.stringify(serverSettings(node, all)));
  await writeFile(join(conf, "rackdc.properties"), `dc=${node.dataCenter}\nrack=rack1\n`);
  await writeFile(join(conf, "logback.xml"), logback);
}

const logback = `<configuration scan="false">
  <appender name="FILE" class="ch.qos.logback.core.FileAppender">
    <file>\${cassandra.logdir}/system.log</file>
    <encoder><pattern>%-5level %date{ISO8601} [%thread] %logger{0}: %msg%n</pattern></encoder>
  </appender>
  <root level="INFO"><appender-ref ref="FILE"/></root>
</configuration>
`;

async function wordsOf(node: NodeSettings): Promise<readonly string[]> {
  const jamm = (await readdir(jarsDir)).find((file) => /^jamm-.*\.jar$/.test(file));
  return [
    `-javaagent:${join(jarsDir, jamm ?? "jamm.jar")}`,
    ...javaFlags(node),
    ...["-cp", join(jarsDir, "*"), mainClass],
  ];
}
