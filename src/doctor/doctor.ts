import type { Diagnosis, DiagnosisState } from "../core/model/diagnosis.js";
import type { Log } from "../core/ports/log.js";
import { createSystemClock, createSystemIds } from "../drivers/clock-system/index.js";
import type { Overrides } from "../settings.js";
import { installationOf, readAccounts } from "./accounts.js";
import { examineColo } from "./colos.js";
import { examineConfiguration } from "./configuration.js";
import { examineClock, examineDataFolder } from "./data-folder.js";
import { examineDoor } from "./door.js";
import { examineJournal } from "./drivers.js";
import { examinePeers } from "./peers.js";
import { examineStore } from "./store.js";

/** One part of an installation, and all that was seen of it. */
export interface Examination {
  readonly area: string;
  readonly diagnoses: readonly Diagnosis[];
}

export interface DoctorOptions extends Overrides {
  readonly config: string;
  /** Whose credentials are tried beside those of accounts that have groups. */
  readonly accounts: readonly string[];
}

const silent: Log = { info() {}, warn() {}, error() {}, debug() {} };

/**
 * Why a Muster does not start, or does not work: part after part, each as soon as it was looked at.
 * Starts nothing, changes nothing, takes no lease.
 */
export async function* examine(options: DoctorOptions): AsyncGenerator<Examination> {
  const clock = createSystemClock();
  const nowMs = clock.nowMs();
  const { diagnoses, settings, box } = await examineConfiguration(options.config, options);
  yield { area: "configuration", diagnoses };
  if (!settings || !box) return;
  const { store } = settings;
  const data = await examineDataFolder(settings.dataDir, store ? "events.db" : "state.db");
  const time = await examineClock(settings.dataDir, nowMs);
  yield { area: "data", diagnoses: [...data.diagnoses, time] };
  const { isRunning } = data;
  yield { area: "API", diagnoses: await examineDoor(settings, { nowMs, isRunning }) };
  if (store) {
    const told = await examineStore({ ...settings, store }, { clock, log: silent });
    yield { area: "store", diagnoses: told };
  }
  const installation = await installationOf(settings);
  const { peers } = settings;
  if (peers)
    yield {
      area: "peers",
      diagnoses: await examinePeers(peers, { installation, clock, isRunning }),
    };
  const host = { clock, ids: createSystemIds(), log: silent, installation };
  const { journal } = settings;
  if (journal)
    yield {
      area: "history",
      diagnoses: await examineJournal(journal, host, { settings, isRunning }),
    };
  const named = options.accounts;
  const accounts = await readAccounts({ settings, box, named, isRunning, ...host });
  try {
    if (accounts.diagnoses.length > 0) yield { area: "accounts", diagnoses: accounts.diagnoses };
    const parts = { settings, host, accounts, isRunning };
    const asked = Object.entries(settings.colos).map(([colo, config]) => ({
      area: `colo ${colo}`,
      told: examineColo(parts, colo, config),
    }));
    for (const { area, told } of asked) yield { area, diagnoses: await told };
  } finally {
    await accounts.close();
  }
}

/** How many of each. */
export function countsOf(all: readonly Examination[]): Readonly<Record<DiagnosisState, number>> {
  const counts = { ok: 0, warning: 0, problem: 0, skipped: 0 };
  for (const { diagnoses } of all) for (const { state } of diagnoses) counts[state] += 1;
  return counts;
}
