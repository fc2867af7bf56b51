import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import { createServer } from "node:net";
import { addressOf } from "../app.js";
import type { Diagnosis } from "../core/model/diagnosis.js";
import type { Settings } from "../settings.js";
import { ok, openToOthers, problem, textOf, warning } from "./say.js";

const dayMs = 24 * 3_600_000;
/** Time enough to have a certificate made anew. */
const expiresSoonMs = 30 * dayMs;

/** Where Muster listens, and what it shows there. */
export async function examineDoor(
  settings: Settings,
  { nowMs, isRunning }: { readonly nowMs: number; readonly isRunning: boolean },
): Promise<readonly Diagnosis[]> {
  return [
    await examineAddress(settings.listen, { isRunning, isOpen: !settings.tls }),
    ...(settings.tls ? await examineTls(settings.tls, nowMs) : []),
  ];
}

/** Whether it can be listened on. Open: what passes there is not encrypted. */
export async function examineAddress(
  listen: string,
  { isRunning, isOpen }: { readonly isRunning: boolean; readonly isOpen: boolean },
): Promise<Diagnosis> {
  let address: ReturnType<typeof addressOf>;
  try {
    address = addressOf(listen);
  } catch (error) {
    return problem(listen, textOf(error), "give listen as host:port");
  }
  const refused = await tryToListen(address);
  if (refused?.code === "EADDRINUSE" && isRunning)
    return ok(listen, "is in use, as it should be while a Muster runs here");
  if (refused) return problem(listen, refused.message, fixOfListening(refused.code));
  if (isOpen && !loopback.has(address.host)) {
    const fix = "configure tls, or listen on 127.0.0.1 behind a proxy that speaks TLS";
    return warning(listen, "is free, but tokens would pass the network in clear", fix);
  }
  return ok(listen, "is free");
}

const loopback: ReadonlySet<string> = new Set(["127.0.0.1", "::1", "localhost"]);

/** Listens for a moment. Resolves to what kept it from that. */
function tryToListen(address: { readonly host: string; readonly port: number }) {
  const server = createServer();
  return new Promise<NodeJS.ErrnoException | undefined>((resolve) => {
    server.once("error", resolve);
    server.listen({ ...address, exclusive: true }, () => server.close(() => resolve(undefined)));
  });
}

function fixOfListening(code: string | undefined): string {
  if (code === "EADDRINUSE") return "end who listens there (ss -ltnp), or listen elsewhere";
  if (code === "EACCES") return "listen on a port above 1023, or allow it to the user";
  return "listen on an address that this machine has";
}

/** Certificate and key: readable, of one another, in time; the key for its owner alone. */
export async function examineTls(
  { certFile, keyFile, caFile }: NonNullable<Settings["tls"]>,
  nowMs: number,
): Promise<readonly Diagnosis[]> {
  const certificate = await examineCertificates(certFile, nowMs);
  const key = await examineKey(keyFile, certificate.first);
  const ca = caFile === undefined ? undefined : await examineCertificates(caFile, nowMs);
  return [...certificate.diagnoses, ...key, ...(ca?.diagnoses ?? [])];
}

async function examineCertificates(path: string, nowMs: number) {
  let all: readonly X509Certificate[];
  try {
    const text = await readFile(path, "utf8");
    all = (text.match(pem) ?? []).map((one) => new X509Certificate(one));
    if (all.length === 0) throw new Error("holds no certificate in PEM");
  } catch (error) {
    return { diagnoses: [problem(path, textOf(error), "name a file with certificates in PEM")] };
  }
  const diagnoses = all.map((one) => examineTime(path, one, nowMs));
  return { diagnoses, first: all[0] };
}

const pem = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

export function examineTime(path: string, one: X509Certificate, nowMs: number): Diagnosis {
  const [fromMs, toMs] = [Date.parse(one.validFrom), Date.parse(one.validTo)];
  const subject = `${path} (${one.subject.replaceAll("\n", ", ")})`;
  const until = new Date(toMs).toISOString();
  const renew = "have it made anew, put it in the file's place, and restart Muster";
  if (nowMs > toMs) return problem(subject, `expired at ${until}`, renew);
  if (nowMs < fromMs) {
    const say = `is not valid before ${new Date(fromMs).toISOString()}`;
    return problem(subject, say, "wait, or set this node's clock");
  }
  const days = Math.floor((toMs - nowMs) / dayMs);
  if (toMs - nowMs < expiresSoonMs)
    return warning(subject, `expires in ${days} days, at ${until}`, renew);
  return ok(subject, `is valid until ${until}`);
}

async function examineKey(
  path: string,
  certificate: X509Certificate | undefined,
): Promise<readonly Diagnosis[]> {
  try {
    const key = createPrivateKey(await readFile(path));
    if (certificate && !certificate.checkPrivateKey(key))
      return [problem(path, "is not the certificate's key", "name the two that belong together")];
    const others = openToOthers((await stat(path)).mode);
    const fits = certificate ? "is the certificate's key" : "is a key";
    if (others === undefined) return [ok(path, `${fits}, for its owner alone`)];
    return [warning(path, `others than its owner may read it (${others})`, `chmod 600 ${path}`)];
  } catch (error) {
    return [problem(path, `is of no use: ${textOf(error)}`, "name a key in PEM, not encrypted")];
  }
}
