import type { Log } from "./core/ports/log.js";
import { createSystemClock } from "./drivers/clock-system/index.js";
import { prepareStore } from "./drivers/load-store.js";
import type { Settings } from "./settings.js";

const silent: Log = { info() {}, warn() {}, error() {}, debug() {} };

/**
 * Migrates the store that the configuration names, and tells what was done.
 *
 * @throws Fault `CONFIG_INVALID`, `STORE_UNAVAILABLE`
 */
export async function runMigration(
  { store, baseDir, colos }: Settings,
  way: { readonly isDryRun: boolean },
  out: { write(text: string): unknown },
): Promise<void> {
  if (!store) {
    out.write("the embedded store migrates itself when it is opened\n");
    return;
  }
  const { definition, options } = await prepareStore(store);
  const host = { clock: createSystemClock(), log: silent, baseDir, colos: Object.keys(colos) };
  const { from, to, statements, remarks } = await definition.migrate(options, host, way);
  const verdict = way.isDryRun ? "would be migrated" : "migrated";
  const told = [
    ...(way.isDryRun ? statements.map((statement) => `${statement};`) : []),
    ...remarks,
    from === to ? `version ${to}: nothing to do` : `${verdict} from version ${from} to ${to}`,
  ];
  out.write(`${told.join("\n")}\n`);
}
