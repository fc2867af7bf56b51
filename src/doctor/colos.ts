import { join } from "node:path";
import type { ColoConfig, PluginConfig } from "../config.js";
import type { Diagnosis } from "../core/model/diagnosis.js";
import type { CredentialSource } from "../core/ports/credentials.js";
import type { BaseHost } from "../core/ports/driver.js";
import type { PreparedDriver } from "../drivers/load.js";
import type { Settings } from "../settings.js";
import { type Accounts, examineCredentials } from "./accounts.js";
import { examineDriver } from "./drivers.js";
import { skipped } from "./say.js";

export interface ColoParts {
  readonly settings: Settings;
  readonly host: Omit<BaseHost, "dataDir">;
  readonly accounts: Accounts;
  readonly isRunning: boolean;
}

/** One colo: its drivers as far as they can be loaded without opening them, and what they tell. */
export async function examineColo(
  parts: ColoParts,
  colo: string,
  { cloud, loadBalancers }: ColoConfig,
): Promise<readonly Diagnosis[]> {
  const credentials = parts.accounts.sourceOf(colo);
  const look = (kind: "cloud" | "loadBalancer", field: string, plugin: PluginConfig) => {
    const dataDir = join(parts.settings.dataDir, "drivers", colo, kind);
    const host = { ...parts.host, colo, credentials, dataDir };
    const { use, options = {} } = plugin;
    return examineDriver(
      { kind, field: `colos.${colo}.${field}`, use, options, host },
      { ...parts, whose: (prepared) => examineAccounts(parts, colo, credentials, prepared) },
    );
  };
  const told = await Promise.all([
    look("cloud", "cloud", cloud),
    ...(loadBalancers ? [look("loadBalancer", "loadBalancers", loadBalancers)] : []),
  ]);
  return told.flat();
}

/** Whose credentials are fit to be tried. */
async function examineAccounts(
  { accounts }: ColoParts,
  colo: string,
  credentials: CredentialSource,
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
