import { join } from "node:path";
import type { ColoConfig, PluginConfig } from "../config.js";
import type { Diagnosis } from "../core/model/diagnosis.js";
import type { DriverHost, DriverKind } from "../core/ports/driver.js";
import { type DriverRequest, type PreparedDriver, prepareDriver } from "../drivers/load.js";
import type { Settings } from "../settings.js";
import { type Accounts, examineCredentials } from "./accounts.js";
import { ok, problem, skipped, textOf } from "./say.js";

type Host = Omit<DriverHost, "dataDir" | "colo" | "credentials">;

export interface ColoParts {
  readonly settings: Settings;
  readonly host: Host;
  readonly accounts: Accounts;
  readonly isRunning: boolean;
}

/** Whoever has not told by then is not going to. */
const diagnoseMsMax = 30_000;

/** One colo: its drivers as far as they can be loaded without opening them, and what they tell. */
export async function examineColo(
  parts: ColoParts,
  colo: string,
  { cloud, loadBalancers }: ColoConfig,
): Promise<readonly Diagnosis[]> {
  const drivers: readonly [DriverKind, string, PluginConfig | undefined][] = [
    ["cloud", "cloud", cloud],
    ["loadBalancer", "loadBalancers", loadBalancers],
  ];
  const told = await Promise.all(
    drivers.map(([kind, field, plugin]) =>
      plugin ? examineDriver(parts, colo, { kind, field: `colos.${colo}.${field}`, plugin }) : [],
    ),
  );
  return told.flat();
}

async function examineDriver(
  parts: ColoParts,
  colo: string,
  place: { readonly kind: DriverKind; readonly field: string; readonly plugin: PluginConfig },
): Promise<readonly Diagnosis[]> {
  const { settings, accounts } = parts;
  const { kind, field, plugin } = place;
  const request: DriverRequest = {
    ...{ kind, field, use: plugin.use, options: plugin.options ?? {} },
    host: {
      ...{ ...parts.host, colo, credentials: accounts.sourceOf(colo) },
      dataDir: join(settings.dataDir, "drivers", colo, kind),
    },
  };
  const prepared = await prepareDriver(request, settings);
  if ("violations" in prepared)
    return prepared.violations.map((one) =>
      problem(one.field, one.description, "see docs/drivers.md"),
    );
  const loads = ok(field, `driver ${plugin.use} loads, and takes its options`);
  const whose = await examineAccounts(parts, colo, request.host, prepared);
  const tells = await askDriver(parts, request, prepared, whose.accounts);
  return [loads, ...whose.diagnoses, ...tells];
}

/** Whose credentials are fit to be tried. */
async function examineAccounts(
  { accounts }: ColoParts,
  colo: string,
  { credentials }: DriverHost,
  { checkSecret }: PreparedDriver,
) {
  if (accounts.diagnoses.length > 0) return { diagnoses: [], accounts: [] };
  const all = await accounts.of(colo);
  if (!checkSecret) return { diagnoses: [], accounts: all };
  const diagnoses = await Promise.all(
    all.map((account) => examineCredentials(account, credentials, checkSecret)),
  );
  const fit = all.filter((_, index) => diagnoses[index]?.state === "ok");
  const none = skipped("credentials", "no account has groups here", "name some: --account ID");
  return { diagnoses: all.length === 0 ? [none] : diagnoses, accounts: fit };
}

async function askDriver(
  { isRunning }: ColoParts,
  { field, use, host }: DriverRequest,
  { definition, options }: PreparedDriver,
  accounts: readonly string[],
): Promise<readonly Diagnosis[]> {
  if (!definition.diagnose) return [skipped(field, `driver ${use} tells nothing more of itself`)];
  const signal = AbortSignal.timeout(diagnoseMsMax);
  const late = new Promise<never>((_resolve, reject) => {
    const say = `no answer within ${diagnoseMsMax / 1_000} s`;
    signal.addEventListener("abort", () => reject(new Error(say)), { once: true });
  });
  try {
    const asked = definition.diagnose(options, host, { signal, accounts, isRunning });
    return await Promise.race([asked, late]);
  } catch (error) {
    return [problem(field, `driver ${use} fails: ${textOf(error)}`, "see docs/drivers.md")];
  }
}
