import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { access, mkdir } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { buffer, text } from "node:stream/consumers";

export interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  /** What `stdout` is the text of. */
  readonly bytes: Buffer;
  readonly stderr: string;
}

const runMsMax = 60_000;
/** From the network, with an empty cache and a busy machine. */
const buildMsMax = 900_000;
const grpcurlVersion = "v1.9.3";

/** Runs a program to its end. */
export async function run(
  command: string,
  args: readonly string[],
  options: {
    readonly stdin?: Uint8Array;
    readonly env?: NodeJS.ProcessEnv;
    readonly cwd?: string;
    readonly msMax?: number;
  } = {},
): Promise<Ran> {
  const env = { ...process.env, ...options.env };
  const { cwd, msMax: timeout = runMsMax } = options;
  const child = spawn(command, args, { env, timeout, ...(cwd !== undefined && { cwd }) });
  child.stdin.on("error", () => {}); // Who ends without reading is no failure of ours.
  child.stdin.end(options.stdin ?? "");
  const failed = once(child, "error").then(([error]) => Promise.reject(error));
  const done = Promise.all([buffer(child.stdout), text(child.stderr), once(child, "close")]);
  const [bytes, stderr, [code]] = await Promise.race([done, failed]);
  return { code: code as number | null, stdout: bytes.toString(), bytes, stderr };
}

/** The path of a grpcurl that Go has built from its module proxy, once for all runs. */
export async function buildGrpcurl(): Promise<string> {
  const cache = process.env["XDG_CACHE_HOME"] || join(homedir(), ".cache");
  const folder = join(cache, "muster-e2e", `grpcurl-${grpcurlVersion}`);
  const path = join(folder, "grpcurl");
  if (await exists(path)) return path;
  await mkdir(folder, { recursive: true });
  const module = `github.com/fullstorydev/grpcurl/cmd/grpcurl@${grpcurlVersion}`;
  const env = { GOBIN: folder };
  const built = await run("go", ["install", module], { env, msMax: buildMsMax }).catch(
    (error: NodeJS.ErrnoException) => {
      if (error.code !== "ENOENT") throw error;
      throw new Error("Go is missing, which builds grpcurl: apt-get install golang-go");
    },
  );
  if (built.code !== 0) throw new Error(`grpcurl was not built: ${built.stderr}`);
  return path;
}

/** Ends a program that would go on. */
export async function endTool(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, "exit");
  child.kill("SIGKILL");
  await ended;
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
