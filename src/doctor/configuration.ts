import { access, constants, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { readConfig } from "../config.js";
import { isFault } from "../core/errors/fault.js";
import type { Diagnosis } from "../core/model/diagnosis.js";
import type { SecretBox } from "../core/ports/secret-box.js";
import { createSecretBox } from "../drivers/secrets-aes/index.js";
import { createKeyFile } from "../drivers/secrets-aes/key-file.js";
import { createStaticTokens } from "../server/authenticator.js";
import { type Overrides, type Settings, settingsOf } from "../settings.js";
import { ok, openToOthers, problem, textOf, warning } from "./say.js";

export interface Configured {
  readonly diagnoses: readonly Diagnosis[];
  /** Undefined: it cannot be read, or is wrong. */
  readonly settings?: Settings;
  readonly box?: SecretBox;
}

const example = "see docs/operate.md, Configuration";

/** The file itself, and the files that it names. */
export async function examineConfiguration(
  path: string,
  overrides: Overrides,
): Promise<Configured> {
  let settings: Settings;
  try {
    settings = settingsOf(await readConfig(path), overrides);
  } catch (error) {
    const violations = isFault(error) ? error.violations : [];
    const wrong = violations.map((one) => problem(one.field, one.description, example));
    return { diagnoses: wrong.length > 0 ? wrong : [problem(path, textOf(error), example)] };
  }
  const keys = settings.secretsKeyFile ?? join(settings.dataDir, "secrets.key");
  const box = createSecretBox(createKeyFile(keys));
  const diagnoses = [
    ok(path, `reads well, with ${Object.keys(settings.colos).length} colos`),
    ...(await examineTokens(path, settings)),
    await examineKeys(keys, box),
    ...(await examineSwitch(settings)),
  ];
  return { diagnoses, settings, box };
}

async function examineTokens(path: string, { tokens }: Settings): Promise<readonly Diagnosis[]> {
  const subject = "tokens";
  try {
    createStaticTokens(tokens);
  } catch (error) {
    return [problem(subject, textOf(error), "correct the token")];
  }
  const plain = tokens.filter(({ token }) => token !== undefined);
  if (plain.length === 0) return [ok(subject, `${tokens.length}, none of them in clear`)];
  const others = openToOthers((await stat(path)).mode);
  const say = `${plain.length} stand in clear in the file`;
  const readable = others === undefined ? "" : `, which others may read (${others})`;
  const fix = "use tokenSha256: printf %s TOKEN | sha256sum";
  return [warning(subject, `${say}${readable}`, fix)];
}

/** Keys of the accounts' credentials: theirs alone, and of use. */
async function examineKeys(path: string, box: SecretBox): Promise<Diagnosis> {
  try {
    const newest = await box.newestKey();
    if (newest !== undefined) return ok(path, `the newest key is ${newest}`);
    return ok(path, "not there yet: it is made when the first credentials are written");
  } catch (error) {
    return problem(path, textOf(error), "restore the file, for its owner alone: chmod 600");
  }
}

async function examineSwitch({ killSwitchFile, dataDir }: Settings): Promise<Diagnosis[]> {
  const path = killSwitchFile ?? join(dataDir, "STOP");
  const isThere = (one: string) => access(one, constants.F_OK).then(() => true, isUnknown);
  if (!(await isThere(path))) return [];
  const say = "the switch file is there: it stops calls to the outside on this node";
  return [warning(path, say, `remove it when its reason is gone; it lies in ${dirname(path)}`)];
}

/** What cannot be looked for counts as there, as it does for the daemon. */
function isUnknown(error: NodeJS.ErrnoException): boolean {
  return error.code !== "ENOENT" && error.code !== "ENOTDIR";
}
