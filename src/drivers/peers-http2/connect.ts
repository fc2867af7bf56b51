import { X509Certificate } from "node:crypto";
import http2 from "node:http2";
import tls from "node:tls";
import type { Clock } from "../../core/ports/clock.js";
import { type Identity, isPeer, peerName } from "./identity.js";
import { peerLimits } from "./wire.js";

/**
 * Connects to a node of the installation. Resolves when the other side has spoken: only then it has
 * accepted our certificate, too, so that before that nothing can have been asked of it.
 *
 * @throws Error
 */
export function connectPeer(to: {
  readonly address: string;
  /** Whose node the other side has to be, by its certificate. */
  readonly installation: string;
  readonly identity: Identity;
  readonly clock: Clock;
}): Promise<http2.ClientHttp2Session> {
  const { address, installation, identity, clock } = to;
  const { hostname, port } = new URL(`https://${address}`);
  const socket = tls.connect({
    ...identity,
    ...{ host: hostname.replace(/^\[|\]$/g, ""), port: Number(port || 443) },
    ALPNProtocols: ["h2"],
    servername: peerName(installation),
    checkServerIdentity: (_host, { raw }) =>
      isPeer(new X509Certificate(raw), installation)
        ? undefined
        : new Error(`${address} shows the certificate of no peer`),
    minVersion: "TLSv1.3",
  });
  const session = http2.connect(`https://${address}`, { createConnection: () => socket });
  return new Promise((resolve, reject) => {
    const timer = clock.after(peerLimits.connectMsMax, () => {
      const late = new Error(`${address} did not answer in ${peerLimits.connectMsMax} ms`);
      // Where packets vanish, a session ends only with its socket, and that after minutes.
      reject(late);
      session.destroy(late);
      socket.destroy(late);
    });
    session.once("remoteSettings", () => {
      timer.cancel();
      resolve(session);
    });
    session.on("error", reject);
    session.on("close", () => {
      timer.cancel();
      reject(new Error(`${address} closed the connection`));
    });
  });
}
