import { mkdir, open, readFile, rename } from "node:fs/promises";
import { dirname } from "node:path";

/** What of a member must survive a restart. */
export interface StoredMember {
  readonly host: string;
  readonly port: number;
  readonly weight: number;
  readonly draining: boolean;
}

const formatVersion = 1;

/** The members of one load balancer in a file of their own. */
export interface MemberFile {
  /** Empty when there is no file yet. @throws when the file cannot be read or understood. */
  read(): Promise<readonly StoredMember[]>;
  /** On return the members are on the disk; a crash on the way leaves those before. */
  write(members: readonly StoredMember[]): Promise<void>;
  /** Puts a file aside that could not be understood, and says where. */
  setAside(): Promise<string>;
}

export function createMemberFile(path: string): MemberFile {
  return {
    async read() {
      const text = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
        if (error.code === "ENOENT") return undefined;
        throw error;
      });
      return text === undefined ? [] : parseMembers(text);
    },
    async write(members) {
      await mkdir(dirname(path), { recursive: true });
      const fresh = `${path}.new`;
      const file = await open(fresh, "w", 0o600);
      try {
        await file.writeFile(JSON.stringify({ version: formatVersion, members }));
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(fresh, path);
      await syncFolder(dirname(path)); // The rename itself must be on the disk too.
    },
    async setAside() {
      const aside = `${path}.broken`;
      await rename(path, aside);
      return aside;
    },
  };
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** @throws Error that says what is wrong. */
export function parseMembers(text: string): readonly StoredMember[] {
  const parsed: unknown = JSON.parse(text);
  if (!isRecord(parsed) || parsed["version"] !== formatVersion)
    throw new Error(`member file is not of version ${formatVersion}`);
  const members = parsed["members"];
  if (!Array.isArray(members)) throw new Error("member file holds no members");
  return members.map((member: unknown, index) => {
    if (!isStoredMember(member)) throw new Error(`member ${index} of the member file is malformed`);
    const { host, port, weight, draining } = member;
    return { host, port, weight, draining };
  });
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

function isStoredMember(value: unknown): value is StoredMember {
  return (
    isRecord(value) &&
    typeof value["host"] === "string" &&
    Number.isInteger(value["port"]) &&
    Number.isInteger(value["weight"]) &&
    typeof value["draining"] === "boolean"
  );
}
