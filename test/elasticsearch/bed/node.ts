import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createServerProcess } from "../../bed/server-process.js";
import { home, javaProgram, javaWords, logSettings, serverSettings } from "./settings.js";

export const server = createServerProcess({
  name: "Elasticsearch",
  home,
  mark: `-Dmuster.bed=${home}`,
  async prepare() {
    const conf = join(home, "conf");
    for (const folder of [conf, join(home, "tmp")]) await mkdir(folder, { recursive: true });
    await writeFile(join(conf, "elasticsearch.yml"), JSON.stringify(serverSettings));
    await writeFile(join(conf, "log4j2.properties"), logSettings);
    return { program: await javaProgram(), words: javaWords(conf) };
  },
});
