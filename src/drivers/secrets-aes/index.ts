import { createCipheriv, createDecipheriv, createHash, randomBytes } from "node:crypto";
import { Fault } from "../../core/errors/fault.js";
import type { Sealed, SecretBox } from "../../core/ports/secret-box.js";

/** Where keys are kept: the first encrypts, all decrypt. */
export interface KeyRing {
  /** For people. */
  readonly name: string;
  /** Of 32 bytes each; none when there are none yet. @throws Fault `CREDENTIALS_UNREADABLE` */
  read(): Promise<readonly Uint8Array[]>;
  /** Keeps this one as the first, if there still is none. @throws Fault `CREDENTIALS_UNREADABLE` */
  keep(key: Uint8Array): Promise<void>;
}

export const keyBytes = 32;
const algorithm = "aes-256-gcm";
/** What GCM is made for; a fresh random one for every message. */
const nonceBytes = 12;
const tagBytes = 16;

/**
 * AES-256-GCM. What a text is bound to goes in as additional authenticated data, so that it opens
 * there and nowhere else. The keys are read anew whenever one is missing: no restart brings them.
 */
export function createSecretBox(ring: KeyRing): SecretBox {
  let keys: ReadonlyMap<string, Uint8Array> = new Map();

  async function read(): Promise<ReadonlyMap<string, Uint8Array>> {
    keys = new Map((await ring.read()).map((key) => [keyName(key), key]));
    return keys;
  }

  return {
    name: ring.name,
    async newestKey() {
      const [newest] = (await read()).keys();
      return newest;
    },
    makeKey: () => ring.keep(randomBytes(keyBytes)),
    async seal(text, bound) {
      const [newest] = await read();
      if (!newest) throw unreadable(`there is no key in ${ring.name}`);
      const [name, key] = newest;
      const nonce = randomBytes(nonceBytes);
      const cipher = createCipheriv(algorithm, key, nonce, { authTagLength: tagBytes });
      cipher.setAAD(Buffer.from(bound));
      const body = [nonce, cipher.update(text, "utf8"), cipher.final(), cipher.getAuthTag()];
      return { key: name, text: Buffer.concat(body).toString("base64") };
    },
    async open(sealed, bound) {
      const key = keys.get(sealed.key) ?? (await read()).get(sealed.key);
      if (!key) throw unreadable(`the key ${sealed.key} is not in ${ring.name}`);
      try {
        return decrypt(sealed, key, bound);
      } catch (error) {
        const why = "it was altered, or written for another installation, account or colo";
        throw unreadable(`the key ${sealed.key} of ${ring.name} does not open it: ${why}`, error);
      }
    },
  };
}

function decrypt({ text }: Sealed, key: Uint8Array, bound: string): string {
  const bytes = Buffer.from(text, "base64");
  const bodyEnd = bytes.length - tagBytes;
  if (bodyEnd < nonceBytes) throw new Error("too short");
  const nonce = bytes.subarray(0, nonceBytes);
  const cipher = createDecipheriv(algorithm, key, nonce, { authTagLength: tagBytes });
  cipher.setAAD(Buffer.from(bound));
  cipher.setAuthTag(bytes.subarray(bodyEnd));
  const body = cipher.update(bytes.subarray(nonceBytes, bodyEnd));
  return Buffer.concat([body, cipher.final()]).toString("utf8");
}

/** Keys that the embedder keeps. @throws Fault `CREDENTIALS_UNREADABLE`: of another length. */
export function createKeyRing(keys: readonly Uint8Array[]): KeyRing {
  const name = "secretsKeys";
  return {
    name,
    async read() {
      if (keys.every(({ length }) => length === keyBytes)) return keys;
      throw unreadable(`${name}: every key must be of ${keyBytes} bytes`);
    },
    async keep() {
      throw unreadable(`${name} holds no key`);
    },
  };
}

/** Tells keys apart and says nothing of them: a hash of 256 random bits has no way back. */
function keyName(key: Uint8Array): string {
  return createHash("sha256").update("muster key name").update(key).digest("hex").slice(0, 16);
}

export function unreadable(say: string, cause?: unknown): Fault {
  return new Fault("CREDENTIALS_UNREADABLE", { say, cause });
}
