import { fileURLToPath } from "node:url";
import { type Daemon, logOf } from "./daemon.js";
import { group } from "./settings.js";

/** What to do with a Muster that was left running. */
export function keptLines({ address, token, url, pid }: Daemon, dir: string): readonly string[] {
  const cli = fileURLToPath(new URL("../../clients/cli/main.js", import.meta.url));
  const { id, account } = group;
  return [
    "",
    `Muster is still running on ${address}, with the group behind ${url}. Try:`,
    "",
    `  export MUSTER_ADDRESS=${address} MUSTER_ACCOUNT=${account} MUSTER_TOKEN=${token}`,
    `  musterctl() { node ${cli} "$@"; }`,
    `  musterctl groups get ${id}`,
    `  musterctl servers list ${id}`,
    `  musterctl events ${id} --follow`,
    `  musterctl scale ${id} +2 --wait`,
    `  musterctl alerts report ${id} out --key by-hand --state critical`,
    `  curl ${url}`,
    "",
    `Its log is ${logOf(dir)}. To end it all:`,
    "",
    `  musterctl groups delete ${id} --force --wait && kill ${pid}`,
    `  while kill -0 ${pid} 2>/dev/null; do sleep 0.1; done; rm -r ${dir}`,
    "",
  ];
}
