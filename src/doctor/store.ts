import { isFault } from "../core/errors/fault.js";
import type { Diagnosis } from "../core/model/diagnosis.js";
import type { Clock } from "../core/ports/clock.js";
import type { Log } from "../core/ports/log.js";
import { prepareStore } from "../drivers/load-store.js";
import type { Settings } from "../settings.js";
import { problem, textOf } from "./say.js";

const example = "see docs/operate.md, The store";
/** Whoever has not told by then is not going to. */
const diagnoseMsMax = 60_000;

/** The store that the configuration names, as it tells of itself without being opened. */
export async function examineStore(
  settings: Settings & { readonly store: NonNullable<Settings["store"]> },
  host: { readonly clock: Clock; readonly log: Log },
): Promise<readonly Diagnosis[]> {
  const { store, installation, baseDir } = settings;
  const named =
    installation === undefined
      ? [problem("installation", "is required where nodes share a store", "name it, on all alike")]
      : [];
  const colos = Object.keys(settings.colos);
  try {
    const { definition, options } = await prepareStore(store);
    const call = { signal: AbortSignal.timeout(diagnoseMsMax) };
    return [...named, ...(await definition.diagnose(options, { ...host, baseDir, colos }, call))];
  } catch (error) {
    const violations = isFault(error) ? error.violations : [];
    const wrong = violations.map((one) => problem(one.field, one.description, example));
    return [...named, ...(wrong.length > 0 ? wrong : [problem("store", textOf(error), example)])];
  }
}
