import type { CallOptions } from "@connectrpc/connect";
import { createMusterClient, groupName, type MusterClient } from "../node/index.js";
import { UsageError } from "./exit.js";
import { createPrinter, type Io, type OutputFormat, type Printer } from "./printer.js";

/** The options that every command has. */
export interface GlobalOptions {
  readonly address: string;
  readonly token?: string;
  readonly tokenFile?: string;
  readonly caFile?: string;
  readonly account: string;
  readonly output: OutputFormat;
  /** In milliseconds. */
  readonly timeout?: number;
}

/** What one run of a command works with. */
export interface Session {
  readonly client: MusterClient;
  readonly account: string;
  readonly print: Printer;
  readonly io: Io;
  /** For each call. */
  readonly call: CallOptions;
  /** How long `--wait` waits. */
  readonly waitMs: number;
  /** As given; undefined: a stream is followed until Ctrl-C. */
  readonly followMs: number | undefined;
  /** The full name of a group of the account. */
  readonly group: (id: string) => string;
}

const callMsDefault = 30_000;
const waitMsDefault = 600_000;

export function openSession(options: GlobalOptions, io: Io): Session {
  return {
    client: clientOf(options),
    account: options.account,
    print: createPrinter(io, options.output),
    io,
    call: { signal: io.signal, timeoutMs: options.timeout ?? callMsDefault },
    waitMs: options.timeout ?? waitMsDefault,
    followMs: options.timeout,
    group: (id) => groupName(options.account, id),
  };
}

function clientOf({ address, token, tokenFile, caFile }: GlobalOptions): MusterClient {
  const bearer = tokenFile ?? (token === "" ? undefined : token);
  try {
    return createMusterClient({
      address,
      ...(bearer === undefined ? {} : { token: bearer }),
      ...(caFile === undefined ? {} : { tls: { ca: caFile } }),
    });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

/** The session with answers for programs where `--json` was given. */
export function forFormat(session: Session, { json }: { readonly json?: true }): Session {
  return json === true ? { ...session, print: createPrinter(session.io, "json") } : session;
}
