import { readFile } from "node:fs/promises";
import { rootCertificates } from "node:tls";
import { type OutsideFaultKind, outsideFaultOf } from "../../core/errors/outside-fault.js";
import type { Diagnosis } from "../../core/model/diagnosis.js";
import type { DiagnoseCall, DriverHost } from "../../core/ports/driver.js";
import { addressIn, type Service } from "./catalogue.js";
import { classify } from "./classify.js";
import { createOpenstack, type Openstack } from "./client.js";
import { createHttp, type Http } from "./http.js";
import type { OpenstackOptions } from "./options.js";
import { type OpenstackSecret, tokenRequest } from "./secret.js";

/** What a driver needs of the cloud; of compute with the microversions that it speaks. */
export interface CloudNeeds {
  readonly services: readonly Service[];
  readonly microversions: readonly string[];
}

/** Beyond what a whole second in a Date header and the way of an answer explain. */
const skewMsGood = 5_000;
/** Certificates and schedules are off by then. */
const skewMsMax = 60_000;

/**
 * Keystone, its clock, and for each account: token, roles, and of each service that is needed the
 * catalogue's entry, microversions, and whether it may be looked at. Only asks.
 */
export async function diagnoseOpenstack(
  needs: CloudNeeds,
  options: OpenstackOptions,
  host: DriverHost,
  { signal, accounts }: DiagnoseCall,
): Promise<readonly Diagnosis[]> {
  const { authUrl, caFile } = options;
  const ca = caFile && [...rootCertificates, await readFile(caFile, "utf8")];
  const http = createHttp({ clock: host.clock, agent: "muster doctor", ...(ca && { ca }) });
  const openstack = await createOpenstack(options, host);
  const parts = { ...{ http, openstack, needs, host, authUrl, signal } };
  try {
    const keystone = await diagnoseKeystone(parts);
    if (keystone.told.state === "problem") return [keystone.told];
    const told = await Promise.all(accounts.map((account) => diagnoseAccount(parts, account)));
    const clock = diagnoseClock([keystone, ...told.flat()].flatMap(({ skewMs }) => skewMs ?? []));
    return [keystone.told, clock, ...told.flat().map((one) => one.told)];
  } finally {
    openstack.close();
    http.close();
  }
}

interface Told {
  readonly told: Diagnosis;
  /** How far the cloud's clock is ahead of ours; not every service tells the time. */
  readonly skewMs?: number;
}

interface Parts {
  readonly http: Http;
  readonly openstack: Openstack;
  readonly needs: CloudNeeds;
  readonly host: DriverHost;
  readonly authUrl: string;
  readonly signal: AbortSignal;
}

/** Whether it answers at all. */
async function diagnoseKeystone(parts: Parts): Promise<Told> {
  const { http, host, authUrl, signal } = parts;
  const subject = `Keystone at ${authUrl}`;
  try {
    const url = addressIn(new URL(authUrl), "/");
    const sentAtMs = host.clock.nowMs();
    const { status, headers } = await http.exchange({ method: "GET", url, headers: {}, signal });
    const tookMs = host.clock.nowMs() - sentAtMs;
    if (status !== 200) {
      const fix = "correct authUrl: it is Keystone's address with its version, …/v3";
      return { told: { subject, state: "problem", say: `answers with ${status}`, fix } };
    }
    const told: Diagnosis = { subject, state: "ok", say: `answers in ${tookMs} ms` };
    return { told, ...skewOf(headers["date"], sentAtMs + tookMs / 2) };
  } catch (error) {
    const { message } = outsideFaultOf(error);
    const fix = "correct authUrl and caFile, or bring Keystone up: curl AUTH_URL";
    return { told: { subject, state: "problem", say: message, fix } };
  }
}

function skewOf(theirs: unknown, oursMs: number): Pick<Told, "skewMs"> {
  const theirsMs = typeof theirs === "string" ? Date.parse(theirs) : Number.NaN;
  return Number.isNaN(theirsMs) ? {} : { skewMs: theirsMs - oursMs };
}

/** By the first that told the time: Keystone's Date header, or when a token was issued. */
function diagnoseClock([skewMs]: readonly number[]): Diagnosis {
  const subject = "the cloud's clock";
  if (skewMs === undefined) {
    const say = "Keystone tells no time without credentials to try";
    return { subject, state: "skipped", say };
  }
  const seconds = Math.round(Math.abs(skewMs) / 1_000);
  if (Math.abs(skewMs) <= skewMsGood) return { subject, state: "ok", say: "agrees with ours" };
  const say = `is ${seconds} s ${skewMs > 0 ? "ahead of" : "behind"} ours`;
  const state = Math.abs(skewMs) > skewMsMax ? "problem" : "warning";
  return { subject, state, say, fix: "keep both clocks by NTP (chrony)" };
}

async function diagnoseAccount(parts: Parts, account: string): Promise<readonly Told[]> {
  const entered = await diagnoseToken(parts, account);
  if (entered.told.state === "problem") return [entered];
  const { services, microversions } = parts.needs;
  const looks = services.flatMap((service): readonly Look[] =>
    service === "compute"
      ? microversions.map((microversion) => ({ service, microversion }))
      : [{ service }],
  );
  // What a service takes to answer is not to be what Keystone takes for a token.
  await parts.openstack.project(account, parts).catch(() => {});
  const told = await Promise.all(looks.map((look) => diagnoseService(parts, account, look)));
  return [entered, ...told.map((one) => ({ told: one }))];
}

interface TokenBody {
  readonly token?: {
    readonly issued_at?: string;
    readonly project?: { readonly id: string; readonly name: string };
    readonly roles?: readonly { readonly name: string }[];
  };
}

/** Whether the credentials open the door, to which project, and in which roles. */
async function diagnoseToken(parts: Parts, account: string): Promise<Told> {
  const { http, host, authUrl, signal } = parts;
  const subject = `credentials of ${account}`;
  try {
    const { secret = {} } = (await host.credentials.of(account)) ?? {};
    const body = tokenRequest(secret as unknown as OpenstackSecret);
    const url = addressIn(new URL(authUrl), "/auth/tokens");
    const sentAtMs = host.clock.nowMs();
    const answer = await http.exchange({ method: "POST", url, headers: {}, body, signal });
    const tookMs = host.clock.nowMs() - sentAtMs;
    if (answer.status !== 201)
      throw classify({ ...answer, service: "identity", method: "POST" }, host.clock.nowMs());
    const token = (answer.body as TokenBody | undefined)?.token;
    const skew = skewOf(token?.issued_at, sentAtMs + tookMs / 2);
    return { told: diagnoseRoles(subject, token), ...skew };
  } catch (error) {
    const { kind, message } = outsideFaultOf(error);
    const told = { subject, say: message, fix: fixOf(kind, account) };
    return { told: { ...told, state: "problem" } };
  }
}

function diagnoseRoles(subject: string, token: TokenBody["token"]): Diagnosis {
  const { project, roles = [] } = token ?? {};
  if (!project) {
    const fix = "write credentials that name a project";
    return { subject, state: "problem", say: "they answer for no project", fix };
  }
  const names = roles.map(({ name }) => name);
  const say = `answer for project ${project.name} (${project.id}), roles: ${names.join(", ")}`;
  if (names.some((name) => name !== "reader")) return { subject, state: "ok", say };
  const fix = "give them a role that may make servers, such as member";
  return { subject, state: "problem", say, fix };
}

interface Look {
  readonly service: Service;
  readonly microversion?: string;
}

/** A small look at what the driver works with there. */
const lookAt: Readonly<Record<Service, string>> = {
  compute: "/limits",
  image: "/v2/images",
  network: "/v2.0/networks",
  "load-balancer": "/v2/lbaas/loadbalancers",
};

async function diagnoseService(
  { openstack, host, signal }: Parts,
  account: string,
  { service, microversion }: Look,
): Promise<Diagnosis> {
  const version = microversion === undefined ? "" : ` ${microversion}`;
  const subject = `${service}${version} for ${account}`;
  const startedMs = host.clock.monotonicMs();
  try {
    const query = service === "compute" ? undefined : { limit: "1" };
    const request = { account, service, method: "GET", path: lookAt[service], query } as const;
    await openstack.request({ ...request, ...(microversion && { microversion }) }, { signal });
    const tookMs = Math.round(host.clock.monotonicMs() - startedMs);
    return { subject, state: "ok", say: `answers in ${tookMs} ms` };
  } catch (error) {
    const { kind, message } = outsideFaultOf(error);
    return { subject, state: "problem", say: message, fix: fixOf(kind, account) };
  }
}

function fixOf(kind: OutsideFaultKind, account: string): string {
  if (kind === "denied") return `write others, or allow it: musterctl credentials set ${account}`;
  if (kind === "badRequest") return "correct region and interface, or use a cloud that has it";
  return "look at the service itself, and try again";
}
