import { appendFileSync } from "node:fs";
import definition from "../../src/drivers/store-cassandra/index.js";
import { historyFile } from "./record-daemon.js";
import { recordStore } from "./record-store.js";

/** The daemon's own program, with what it asks of Cassandra written down in its working folder. */
const { open } = definition;
Object.assign(definition, {
  open: async (...way: Parameters<typeof open>) =>
    recordStore(await open(...way), (line) => appendFileSync(historyFile, `${line}\n`)),
});
await import("../../src/main.js");
