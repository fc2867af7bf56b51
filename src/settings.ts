import { resolve } from "node:path";
import type { Config } from "./config.js";

/** What the command line may say of a configuration; relative paths are the working folder's. */
export interface Overrides {
  readonly listen?: string;
  readonly data?: string;
}

/** A configuration with its defaults, its paths as this process sees them. */
export interface Settings extends Config {
  readonly listen: string;
  readonly dataDir: string;
  /** Folder that `file:` and `npm:` drivers are found from. */
  readonly baseDir: string;
}

export const listenDefault = "127.0.0.1:7350";
export const dataDefault = "./muster-data";

/** Relative paths in a configuration file are relative to it. */
export function settingsOf(
  { config, baseDir }: { readonly config: Config; readonly baseDir: string },
  { listen, data }: Overrides,
): Settings {
  const { killSwitchFile, secretsKeyFile, tls, peers, prometheus } = config;
  const from = (path: string) => resolve(baseDir, path);
  return {
    ...config,
    ...(killSwitchFile === undefined ? {} : { killSwitchFile: from(killSwitchFile) }),
    ...(secretsKeyFile === undefined ? {} : { secretsKeyFile: from(secretsKeyFile) }),
    ...(tls && {
      tls: {
        certFile: from(tls.certFile),
        keyFile: from(tls.keyFile),
        ...(tls.caFile === undefined ? {} : { caFile: from(tls.caFile) }),
      },
    }),
    ...(prometheus?.tokenFile !== undefined && {
      prometheus: { ...prometheus, tokenFile: from(prometheus.tokenFile) },
    }),
    ...(peers && {
      peers: {
        ...peers,
        certFile: from(peers.certFile),
        keyFile: from(peers.keyFile),
        caFile: from(peers.caFile),
      },
    }),
    baseDir,
    listen: listen ?? config.listen ?? listenDefault,
    dataDir: data ?? (config.dataDir === undefined ? dataDefault : from(config.dataDir)),
  };
}
