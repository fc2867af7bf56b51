import { X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import type { TLSSocket } from "node:tls";
import type { PeersConfig } from "../config.js";
import type { Diagnosis } from "../core/model/diagnosis.js";
import type { Clock } from "../core/ports/clock.js";
import { connectPeer, isPeer, peerName, readIdentity } from "../drivers/peers-http2/index.js";
import { examineAddress, examineTime, examineTls } from "./door.js";
import { ok, problem, textOf, warning } from "./say.js";

/** Where nodes of other colos find this one, what it shows them, and whether they answer. */
export async function examinePeers(
  peers: PeersConfig,
  parts: { readonly installation: string; readonly clock: Clock; readonly isRunning: boolean },
): Promise<readonly Diagnosis[]> {
  const { installation, clock, isRunning } = parts;
  const address = await examineAddress(peers.listen, { isRunning, isOpen: false });
  const files = await examineTls(peers, clock.nowMs());
  const own = [address, ...files, ...(await examineName(peers, installation))];
  if (own.some(({ state }) => state === "problem")) return own;
  const colos = Object.entries(peers.colos).map(([colo, addresses]) =>
    examineColo(colo, addresses, { ...parts, peers }),
  );
  return [...own, ...(await Promise.all(colos)).flat()];
}

async function examineName({ certFile }: PeersConfig, installation: string) {
  const pem = await readFile(certFile).catch(() => undefined);
  if (pem === undefined) return []; // Told already.
  const name = peerName(installation);
  const fix = `have it made with the subject alternative name DNS:${name}`;
  try {
    if (isPeer(new X509Certificate(pem), installation)) return [ok(certFile, `carries ${name}`)];
    return [problem(certFile, `does not carry ${name}: no peer would let this node in`, fix)];
  } catch (error) {
    return [problem(certFile, textOf(error), fix)];
  }
}

interface Asking {
  readonly peers: PeersConfig;
  readonly installation: string;
  readonly clock: Clock;
}

/** One node that answers is enough for the colo to be reached. */
async function examineColo(
  colo: string,
  addresses: readonly string[],
  asking: Asking,
): Promise<readonly Diagnosis[]> {
  const all = await Promise.all(addresses.map((address) => examinePeer(colo, address, asking)));
  const isReached = all.some(({ answers }) => answers);
  return all.flatMap(({ diagnosis, answers }) =>
    answers || !isReached
      ? diagnosis
      : diagnosis.map(({ subject, say }) => warning(subject, `${say}; others there do`, fixOfPeer)),
  );
}

const fixOfPeer = "see whether Muster runs there and the network lets us through; read its log";

async function examinePeer(
  colo: string,
  address: string,
  { peers, installation, clock }: Asking,
): Promise<{ readonly answers: boolean; readonly diagnosis: readonly Diagnosis[] }> {
  const subject = `${address} of colo ${colo}`;
  const startedMs = clock.monotonicMs();
  try {
    const identity = await readIdentity(peers);
    const session = await connectPeer({ address, installation, identity, clock });
    const tookMs = Math.ceil(clock.monotonicMs() - startedMs);
    const { raw } = (session.socket as TLSSocket).getPeerCertificate();
    session.destroy();
    const time = examineTime(`certificate at ${address}`, new X509Certificate(raw), clock.nowMs());
    const answers = ok(subject, `answers, and lets this node in (${tookMs} ms)`);
    return { answers: true, diagnosis: [answers, time] };
  } catch (error) {
    const diagnosis = problem(subject, `cannot be asked: ${textOf(error)}`, fixOfPeer);
    return { answers: false, diagnosis: [diagnosis] };
  }
}
