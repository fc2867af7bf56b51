import { createMuster } from "../../src/app.js";
import { readConfig } from "../../src/config.js";

/** The daemon with the admission left out, which no configuration can do. `--config FILE`. */
const { config, baseDir } = await readConfig(process.argv[3]!);
const colos = Object.fromEntries(
  Object.entries(config.colos).map(([id, colo]) => [
    id,
    { ...colo, concurrency: 1_000, admission: "off" as const },
  ]),
);
const startMs = performance.now();
const muster = await createMuster({ ...config, colos, baseDir, dataDir: config.dataDir! });
const tookMs = Math.round(performance.now() - startMs);
process.stdout.write(`muster ready on ${muster.address} in ${tookMs} ms\n`);
process.on("SIGTERM", () => void muster.stop().then(() => process.exit(0)));
