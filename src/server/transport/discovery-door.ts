import type { IncomingMessage, ServerResponse } from "node:http";
import type { GroupId, GroupKey, ServerId } from "../../core/model/ids.js";
import type { Clock } from "../../core/ports/clock.js";
import type { Log } from "../../core/ports/log.js";
import type { Caller, ServerView, Supervisor } from "../../supervisor/api.js";
import type { Authenticator } from "../authenticator.js";
import { startDeadline } from "../deadline.js";
import { accountOf } from "../names.js";
import { answerJson, answerText, type HttpHandler } from "./http-door.js";

export interface DiscoveryDoorOptions {
  readonly supervisor: Pick<Supervisor, "groups" | "servers">;
  readonly authenticator: Authenticator;
  readonly clock: Clock;
  readonly log: Log;
}

const path = /^\/sd\/([a-z0-9-]{1,63})$/;
const pageSize = 1_000;
const answerMsMax = 30_000;

/** One server, in the form of Prometheus' HTTP service discovery. */
interface Target {
  readonly targets: readonly [string];
  readonly labels: Readonly<Record<string, string>>;
}

/**
 * `GET /sd/{account}`: the account's servers in service, for Prometheus. Takes the bearer token of
 * a principal that holds `servers.list` in the account.
 */
export function createDiscoveryDoor(options: DiscoveryDoorOptions): HttpHandler {
  const { authenticator, clock, log, supervisor } = options;

  async function answer(
    account: string,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    const { headers, socket } = request;
    const { authorization } = headers;
    const address = socket.remoteAddress ?? "";
    const principal = await authenticator.authenticate({ authorization, address });
    const bindings = principal?.bindings.filter(
      (one) => one.account === "*" || one.account === account,
    );
    if (!principal) {
      response.setHeader("www-authenticate", "Bearer");
      answerText(response, 401, "a bearer token is needed\n");
    } else if (!bindings?.length) answerText(response, 404, "not found\n");
    else if (!bindings.some(({ permissions }) => permissions.has("servers.list")))
      answerText(response, 403, "servers.list in the account is needed\n");
    else answerJson(response, 200, await tell(account, principal.name, response));
  }

  async function tell(account: string, principal: string, response: ServerResponse) {
    const gone = new AbortController();
    response.once("close", () => gone.abort());
    const limits = { clock, timeoutMs: answerMsMax, client: gone.signal, drain: undefined };
    const deadline = startDeadline(limits);
    try {
      const caller = { principal, signal: deadline.signal };
      return await deadline.race(targetsOf(supervisor, account, caller));
    } finally {
      deadline.end();
    }
  }

  return (request, response) => {
    const [, account] = path.exec(request.url?.split("?", 1)[0] ?? "") ?? [];
    if (account === undefined) return false;
    if (request.method !== "GET") {
      response.setHeader("allow", "GET");
      answerText(response, 405, "only GET\n");
      return true;
    }
    answer(account, request, response).catch((error: unknown) => {
      // Prometheus goes on with the list before.
      log.warn({ account, error: String(error) }, "servers could not be told");
      if (response.headersSent) response.destroy();
      else answerText(response, 503, "not now\n");
    });
    return true;
  };
}

async function targetsOf(
  { groups, servers }: DiscoveryDoorOptions["supervisor"],
  name: string,
  caller: Caller,
): Promise<readonly Target[]> {
  const account = accountOf(`accounts/${name}`);
  const targets: Target[] = [];
  let after: GroupId | undefined;
  do {
    const asked = { account, pageSize, labels: {}, ...(after === undefined ? {} : { after }) };
    const { items, more } = await groups.list(asked, caller);
    for (const { group } of items)
      targets.push(...(await serversOf(servers, { account, group: group.id }, caller)));
    after = more ? items.at(-1)?.group.id : undefined;
  } while (after !== undefined);
  return targets;
}

async function serversOf(
  servers: Supervisor["servers"],
  key: GroupKey,
  caller: Caller,
): Promise<readonly Target[]> {
  const targets: Target[] = [];
  let after: ServerId | undefined;
  do {
    const asked = { key, pageSize, states: ["inService"] as const };
    const page = await servers.list(
      { ...asked, ...(after === undefined ? {} : { after }) },
      caller,
    );
    targets.push(...page.items.flatMap((view) => targetOf(key, view)));
    after = page.more ? page.items.at(-1)?.row.id : undefined;
  } while (after !== undefined);
  return targets;
}

/** Without a port where the cloud knows none: then a relabelling gives it. */
function targetOf({ account, group }: GroupKey, { colo, row }: ServerView): Target[] {
  if (!row.address) return [];
  const { host, port } = row.address;
  const shown = host.includes(":") ? `[${host}]` : host;
  const labels = {
    __meta_muster_account: account,
    __meta_muster_group: group,
    __meta_muster_colo: colo,
    __meta_muster_server: row.id,
  };
  return [{ targets: [port === undefined ? shown : `${shown}:${port}`], labels }];
}
