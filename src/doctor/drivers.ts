import { join } from "node:path";
import type { PluginConfig } from "../config.js";
import type { Diagnosis } from "../core/model/diagnosis.js";
import type { BaseHost } from "../core/ports/driver.js";
import { type DriverRequest, type PreparedDriver, prepareDriver } from "../drivers/load.js";
import type { Settings } from "../settings.js";
import { ok, problem, skipped, textOf } from "./say.js";

interface Whose {
  readonly diagnoses: readonly Diagnosis[];
  readonly accounts: readonly string[];
}

export interface DriverParts {
  readonly settings: Settings;
  readonly isRunning: boolean;
  /** Whose credentials are fit to be tried. */
  readonly whose: (prepared: PreparedDriver) => Promise<Whose>;
}

/** Whoever has not told by then is not going to. */
const diagnoseMsMax = 30_000;

/** One driver as far as it can be loaded without opening it, and what it tells. */
export async function examineDriver(
  request: DriverRequest,
  { settings, isRunning, whose }: DriverParts,
): Promise<readonly Diagnosis[]> {
  const prepared = await prepareDriver(request, settings);
  if ("violations" in prepared)
    return prepared.violations.map((one) =>
      problem(one.field, one.description, "see docs/drivers.md"),
    );
  const loads = ok(request.field, `driver ${request.use} loads, and takes its options`);
  const { diagnoses, accounts } = await whose(prepared);
  return [loads, ...diagnoses, ...(await askDriver(request, prepared, { accounts, isRunning }))];
}

/** Where history is kept and searched. */
export function examineJournal(
  { use, options = {} }: PluginConfig,
  host: Omit<BaseHost, "dataDir">,
  parts: Pick<DriverParts, "settings" | "isRunning">,
): Promise<readonly Diagnosis[]> {
  const dataDir = join(parts.settings.dataDir, "drivers", "journal");
  const request = { kind: "journal", field: "journal", use, options } as const;
  const whose = async () => ({ diagnoses: [], accounts: [] });
  return examineDriver({ ...request, host: { ...host, dataDir } }, { ...parts, whose });
}

async function askDriver(
  { field, use, host }: DriverRequest,
  { definition, options }: PreparedDriver,
  asked: { readonly accounts: readonly string[]; readonly isRunning: boolean },
): Promise<readonly Diagnosis[]> {
  if (!definition.diagnose) return [skipped(field, `driver ${use} tells nothing more of itself`)];
  const signal = AbortSignal.timeout(diagnoseMsMax);
  const late = new Promise<never>((_resolve, reject) => {
    const say = `no answer within ${diagnoseMsMax / 1_000} s`;
    signal.addEventListener("abort", () => reject(new Error(say)), { once: true });
  });
  try {
    return await Promise.race([definition.diagnose(options, host, { signal, ...asked }), late]);
  } catch (error) {
    return [problem(field, `driver ${use} fails: ${textOf(error)}`, "see docs/drivers.md")];
  }
}
