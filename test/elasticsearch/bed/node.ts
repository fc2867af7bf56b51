import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { javaProgram } from "../../bed/java.js";
import { createServerProcess, type ServerProcess } from "../../bed/server-process.js";
import {
  java,
  javaWords,
  layout,
  logSettings,
  type ServerSettings,
  serverSettings,
} from "./settings.js";

/** A server of the bed. */
export interface BedServer extends ServerSettings, ServerProcess {}

export const servers: readonly BedServer[] = layout().map(createServer);
export const [server] = servers as readonly [BedServer];

function createServer(settings: ServerSettings): BedServer {
  const { home, name, enter } = settings;
  const server = createServerProcess({
    name: `Elasticsearch ${name}`,
    home,
    mark: `-Dmuster.bed=${home}`,
    async prepare() {
      const conf = join(home, "conf");
      for (const folder of [conf, join(home, "tmp")]) await mkdir(folder, { recursive: true });
      const text = JSON.stringify(serverSettings(settings));
      await writeFile(join(conf, "elasticsearch.yml"), text);
      await writeFile(join(conf, "log4j2.properties"), logSettings);
      return [...enter, await javaProgram(java), ...javaWords(home, conf)];
    },
  });
  return { ...settings, ...server };
}
