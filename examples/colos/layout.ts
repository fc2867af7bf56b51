import { join, resolve } from "node:path";

/** All that the example keeps; `down --clean` deletes it. */
export const stateDir = resolve(".bed/colos");
export const installation = "colos";
export const colos = ["iad", "ams", "lon"] as const;
const nodesPerColo = 2;
const [apiPort, peerPort, serverPort] = [17_350, 17_370, 17_400];
const serversPerColo = 100;

/** One Muster of the example. */
export interface MusterNode {
  readonly name: string;
  readonly colo: string;
  /** `host:port` */
  readonly api: string;
  readonly peer: string;
  readonly home: string;
}

export const nodes: readonly MusterNode[] = colos.flatMap((colo, index) =>
  Array.from({ length: nodesPerColo }, (_, at) => {
    const number = index * nodesPerColo + at;
    const name = `${colo}-${at + 1}`;
    return {
      ...{ name, colo, home: join(stateDir, name) },
      api: `127.0.0.1:${apiPort + number}`,
      peer: `127.0.0.1:${peerPort + number}`,
    };
  }),
);

/** The ports of a colo's servers. */
export function serverPorts(colo: string): { readonly from: number; readonly to: number } {
  const from = serverPort + serversPerColo * colos.indexOf(colo as (typeof colos)[number]);
  return { from, to: from + serversPerColo - 1 };
}

/** Servers are found again by their colo's folder, whichever of its nodes made them. */
export function cloudDir(colo: string): string {
  return join(stateDir, `cloud-${colo}`);
}
