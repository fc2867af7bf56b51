import { readFile } from "node:fs/promises";
import { rootCertificates } from "node:tls";
import { OutsideFault } from "../../core/errors/outside-fault.js";
import type { Call } from "../../core/ports/call.js";
import type { DriverHost } from "../../core/ports/driver.js";
import { addressIn, endpointOf, type Service } from "./catalogue.js";
import { classify } from "./classify.js";
import { createHttp, type HttpAnswer, type HttpMethod } from "./http.js";
import { createKeystone, type Session } from "./keystone.js";
import { type MicroversionRange, rangeOf, refuseOutside } from "./microversions.js";
import type { OpenstackOptions } from "./options.js";

/** One cloud, for all accounts: each enters it with its own credentials. */
export interface Openstack {
  /**
   * One call, answered with success.
   *
   * @throws OutsideFault classified by code and body (B4.8); `denied` when the account's
   *   credentials answer for another project than the call is pinned to: nothing was sent then.
   */
  request(request: OpenstackRequest, call: Call): Promise<HttpAnswer>;
  /** The id of the project that the account's credentials answer for. */
  project(account: string, call: Call): Promise<string>;
  close(): void;
}

export interface OpenstackRequest {
  readonly account: string;
  /** Undefined: whichever the credentials answer for. */
  readonly project?: string | undefined;
  readonly service: Service;
  readonly method: HttpMethod;
  /** Below the catalogue's address; with the version for all but compute: `/v2/images`. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>> | undefined;
  /** Sent as JSON. */
  readonly body?: unknown;
  /** Compute only: such as `2.79`; the cloud's range is checked before. */
  readonly microversion?: string;
}

/** @throws Error when `caFile` cannot be read. */
export async function createOpenstack(
  options: OpenstackOptions,
  host: Pick<DriverHost, "clock" | "credentials" | "installation">,
): Promise<Openstack> {
  const { clock, credentials } = host;
  const { authUrl, caFile } = options;
  const ca = caFile && [...rootCertificates, await readFile(caFile, "utf8")];
  const agent = `muster (${host.installation.replaceAll(/[^\w.-]/g, "_")})`;
  const http = createHttp({ clock, agent, ...(ca && { ca }) });
  const keystone = createKeystone({ http, authUrl, credentials, clock });
  const ranges = new Map<string, MicroversionRange>();

  /** Asks a service; whoever comes with a token that it does not take gets its 401 back. */
  async function ask(session: Session, request: OpenstackRequest, { signal }: Call) {
    const { service, method, path, query, body, microversion } = request;
    const endpoint = endpointOf(session.catalogue, service, options);
    if (microversion !== undefined) {
      const range = await rangeAt(endpoint, session, signal);
      if (range === undefined) return unauthorized;
      refuseOutside(range, microversion, endpoint);
    }
    const headers = {
      "x-auth-token": session.token,
      ...(microversion !== undefined && { "openstack-api-version": `${service} ${microversion}` }),
    };
    const url = addressIn(endpoint, path, query);
    return await http.exchange({ method, url, headers, body, signal });
  }

  async function rangeAt(endpoint: URL, { token }: Session, signal: AbortSignal) {
    const root = new URL(endpoint);
    root.pathname = root.pathname.replace(/(\/v\d+(\.\d+)?)(\/.*)?$/, "$1/");
    const known = ranges.get(root.href);
    if (known) return known;
    const headers = { "x-auth-token": token };
    const answer = await http.exchange({ method: "GET", url: root, headers, signal });
    if (answer.status === 401) return undefined;
    if (answer.status !== 200)
      throw classify({ ...answer, service: "compute", method: "GET" }, clock.nowMs());
    const range = rangeOf(answer.body);
    ranges.set(root.href, range);
    return range;
  }

  return {
    async request(request, call) {
      const { account, service, method } = request;
      let session = await keystone.session(account, call.signal);
      refuseOtherProject(session, request);
      let answer = await ask(session, request, call);
      if (answer.status === 401) {
        session = await keystone.renewed(account, session, call.signal);
        refuseOtherProject(session, request);
        answer = await ask(session, request, call);
      }
      if (answer.status >= 200 && answer.status < 300) return answer;
      throw classify({ ...answer, service, method }, clock.nowMs());
    },
    async project(account, { signal }) {
      if (signal.aborted) throw new OutsideFault("temporary", "given up before it began");
      return (await keystone.session(account, signal)).project;
    },
    close: () => http.close(),
  };
}

const unauthorized: HttpAnswer = {
  ...{ status: 401, headers: {}, text: "", body: undefined, requestId: undefined },
};

function refuseOtherProject({ project }: Session, pinned: OpenstackRequest): void {
  if (pinned.project === undefined || pinned.project === project) return;
  const say = `the credentials answer for project ${project}, not ${pinned.project}`;
  throw new OutsideFault("denied", say);
}
