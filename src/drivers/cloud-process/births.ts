import { join } from "node:path";
import { OutsideFault } from "../../core/errors/outside-fault.js";
import type { CloudServer } from "../../core/model/server.js";
import type { CreateServer } from "../../core/ports/cloud.js";
import type { DriverHost } from "../../core/ports/driver.js";
import { birthOf } from "./launch.js";
import { type End, startServer } from "./launcher.js";
import type { ProcessCloudOptions } from "./options.js";
import { isPortFree, portsAfter, startOf } from "./ports.js";
import { codeOf, fileNames, type Records, type ServerRecord } from "./records.js";
import { textOfBorn } from "./recover.js";
import type { Viewer } from "./view.js";

/** Makes servers, one after the other: so quota and ports are given to one at a time. */
export interface Births {
  create(request: CreateServer, signal: AbortSignal): Promise<CloudServer>;
  /** Resolves when none is under way. */
  close(): Promise<void>;
}

/** Record first, process second: a crash between the two leaves a server that never started. */
export async function createBirths(parts: {
  readonly options: ProcessCloudOptions;
  readonly host: DriverHost;
  readonly records: Records;
  readonly viewer: Viewer;
}): Promise<Births> {
  const { options, host, records, viewer } = parts;
  let lastPort = await newestPort(records);
  let queue: Promise<unknown> = Promise.resolve();

  const claim = async (request: CreateServer): Promise<ServerRecord> => {
    const taken = new Set(await records.ports());
    if (taken.size >= options.quota)
      throw new OutsideFault("quota", `quota exceeded: ${taken.size} of ${options.quota} servers`);
    const last = lastPort ?? startOf(options.portRange, `${host.installation}/${host.colo}`);
    for (const port of portsAfter(options.portRange, last)) {
      if (taken.has(port) || !(await isPortFree(port))) continue;
      const record = newRecord(request, port);
      if (!(await records.claim(record))) continue;
      lastPort = port;
      return record;
    }
    throw new OutsideFault("noCapacity", "no port is free");
  };

  const newRecord = (request: CreateServer, port: number): ServerRecord => {
    const fails = host.ids.random() < options.buildFailureRate;
    const { account, name, ownership, launch } = request;
    const createdAtMs = host.clock.nowMs();
    return {
      ...{ id: `${host.ids.next()}-${port}`, port, account, name, ownership, launch, createdAtMs },
      bootDelayMs: options.bootDelayMs,
      ...(fails && { buildFault: "No valid host was found (buildFailureRate)." }),
    };
  };

  const start = async (record: ServerRecord): Promise<void> => {
    const folder = records.folderOf(record.port);
    const userDataPath = join(folder, fileNames.userData);
    const { id, port } = record;
    const born = textOfBorn(record);
    const own = { id, port, userDataPath, cloud: host.dataDir, born, path: options.path };
    const fail = (text: string) =>
      void viewer.fail({ record, ownership: record.ownership }, text).catch((error: unknown) => {
        host.log.warn({ server: id, error: String(error) }, "could not note why a server ended");
      });
    const onEnd = ({ say, neverStarted }: End) => {
      const booting = host.clock.nowMs() < record.createdAtMs + record.bootDelayMs;
      if (booting || neverStarted) fail(`the process ended while booting (${say})`);
    };
    try {
      await startServer(folder, birthOf(record.launch, own), onEnd);
    } catch (error) {
      // Deleted before it started: its folder is gone, and there is nothing left to say.
      if (codeOf(error) !== "ENOENT") fail(`the process could not be started: ${String(error)}`);
    }
  };

  const createNow = async (request: CreateServer, signal: AbortSignal) => {
    if (signal.aborted) throw new OutsideFault("temporary", "aborted before it began");
    const record = await claim(request);
    if (record.buildFault === undefined) await start(record);
    const [server] = await viewer.view([{ record, ownership: record.ownership }]);
    if (!server) throw new OutsideFault("unknown", "no view of a new server", { ambiguous: true });
    return server;
  };

  return {
    create(request, signal) {
      const mine = queue.then(() => createNow(request, signal));
      queue = mine.catch(() => {});
      return mine;
    },
    close: async () => void (await queue),
  };
}

async function newestPort(records: Records): Promise<number | undefined> {
  let newest: ServerRecord | undefined;
  for (const port of await records.ports()) {
    const record = (await records.read(port))?.record;
    if (record && (!newest || record.createdAtMs >= newest.createdAtMs)) newest = record;
  }
  return newest?.port;
}
