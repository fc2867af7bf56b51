import type { Diagnosis } from "../core/model/diagnosis.js";
import type { ColoId } from "../core/model/ids.js";
import type { Clock, Ids } from "../core/ports/clock.js";
import type { Credential, CredentialSource } from "../core/ports/credentials.js";
import type { Log } from "../core/ports/log.js";
import type { SecretBox } from "../core/ports/secret-box.js";
import type { Store } from "../core/ports/store.js";
import type { SchemaCheck } from "../drivers/check-schema.js";
import { readIdentity } from "../identity.js";
import type { Settings } from "../settings.js";
import { createCredentialBook } from "../supervisor/credentials/credential-book.js";
import { placementIndex, placementOfHint } from "../supervisor/placements/hints.js";
import { ok, problem, skipped, textOf } from "./say.js";
import { openStoreCopy } from "./store-copy.js";

/** Whose groups there are, and their credentials. */
export interface Accounts {
  readonly diagnoses: readonly Diagnosis[];
  /** Of each colo, those with groups there and those that were asked for by name. */
  readonly of: (colo: string) => Promise<readonly string[]>;
  readonly sourceOf: (colo: string) => CredentialSource;
  readonly close: () => Promise<void>;
}

interface Parts {
  readonly settings: Settings;
  readonly box: SecretBox;
  readonly installation: string;
  readonly named: readonly string[];
  readonly isRunning: boolean;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
}

/** Accounts of one colo that are looked at; whoever has more has seen enough of them. */
const accountsMax = 50;
const pageMax = 1_000;
const readMsMax = 10_000;
const subject = "accounts";

/** Reads whose groups there are, where nobody else works with the store. */
export async function readAccounts(parts: Parts): Promise<Accounts> {
  const { settings, box, named, isRunning } = parts;
  const nobody = (diagnosis: Diagnosis): Accounts => ({
    diagnoses: [diagnosis],
    of: async () => named,
    sourceOf: () => ({ of: unread }),
    close: async () => {},
  });
  if (isRunning) {
    const fix = "ask the Muster that runs: musterctl check GROUP; or stop it first";
    return nobody(skipped(subject, "the store is in use, so nobody's credentials are known", fix));
  }
  if (settings.store) {
    const fix = "ask a Muster that runs: musterctl check GROUP";
    return nobody(skipped(subject, "a store that nodes share is not opened here", fix));
  }
  let store: Store | undefined;
  try {
    store = await openStoreCopy(settings.dataDir, parts.clock);
    if (!store) return nobody(skipped(subject, "there is no store yet, and so nobody's groups"));
  } catch (error) {
    return nobody(skipped(subject, `the store cannot be read: ${textOf(error)}`));
  }
  const copy = store;
  const book = createCredentialBook({ ...parts, store: copy, box });
  return {
    diagnoses: [],
    of: async (colo) => [...new Set([...named, ...(await accountsIn(copy, colo as ColoId))])],
    sourceOf: (colo) => book.sourceOf(colo),
    close: () => copy.close(),
  };
}

async function unread(): Promise<never> {
  throw new Error("the store was not read");
}

async function accountsIn(store: Store, colo: ColoId): Promise<readonly string[]> {
  const accounts = new Set<string>();
  const call = { signal: AbortSignal.timeout(readMsMax) };
  let afterKey = "";
  for (;;) {
    const page = { index: placementIndex(colo), afterKey, hintsMax: pageMax };
    const hints = await store.listHints(page, call);
    for (const hint of hints) accounts.add(placementOfHint(colo, hint).account);
    if (hints.length < pageMax || accounts.size >= accountsMax)
      return [...accounts].slice(0, accountsMax);
    afterKey = hints.at(-1)!.key;
  }
}

/** Whether an account has credentials that can be opened and are of the driver's shape. */
export async function examineCredentials(
  account: string,
  source: CredentialSource,
  check: SchemaCheck,
): Promise<Diagnosis> {
  const about = `credentials of ${account}`;
  const write = `write them: musterctl credentials set ${account}`;
  let credential: Credential | undefined;
  try {
    credential = await source.of(account);
  } catch (error) {
    return problem(
      about,
      textOf(error),
      "put the key file of a backup in its place, or write anew",
    );
  }
  if (!credential) return problem(about, "none are written for this colo", write);
  // Told by field: what stands in it is nobody's business.
  const wrong = check(credential.secret).map(({ field, description }) => `${field} ${description}`);
  return wrong.length === 0
    ? ok(about, "can be opened, and have the driver's shape")
    : problem(about, wrong.join("; "), write);
}

/** The installation's name, as the daemon would know it; nothing is made up. */
export async function installationOf({ installation, dataDir }: Settings): Promise<string> {
  return installation ?? (await readIdentity(dataDir, "installation")) ?? "";
}
