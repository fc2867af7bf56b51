import { outsideFaultOf } from "../../core/errors/outside-fault.js";
import type { LoadBalancerRef } from "../../core/ports/load-balancer.js";
import type { Credentials, Denial, Repin, Repinned } from "./credentials.js";
import type { Answer, Change, Outside, ReadLimit } from "./outside.js";
import type { Pin } from "./pins.js";

/** The outside as accounts see it: every request carries its account's project (B9.7). */
export interface PinnedOutside extends Outside {
  /** Pins the account to the project that its credentials answer for now. */
  repin(account: string, repin: Repin): Promise<Repinned>;
}

/** Adds pins to requests, and tells `credentials` of every answer and refusal. */
export function pinOutside(outside: Outside, credentials: Credentials): PinnedOutside {
  const asker = (account: string) => () => outside.project(account);

  async function as<Value>(
    account: string,
    asked: Pick<Denial, "by" | "isForAll">,
    run: (pin: Pin) => Promise<Value>,
  ): Promise<Value> {
    const revision = credentials.revision(account);
    try {
      return await run(await credentials.pinOf(account, asker(account)));
    } catch (error) {
      const fault = outsideFaultOf(error);
      if (fault.kind !== "denied" || credentials.isStopped(account)) throw fault;
      throw await credentials.denied(account, { ...asked, fault, revision }, asker(account));
    }
  }

  const look =
    <Request extends { readonly account: string }, Value>(
      read: (request: Request, limit?: ReadLimit) => Promise<Value>,
      isForAll = false,
    ) =>
    async (request: Request, limit?: ReadLimit): Promise<Value> => {
      const { account } = request;
      let asked = false;
      try {
        const value = await as(account, { by: "look", isForAll }, (pin) => {
          asked = true;
          return read({ ...request, ...pin }, limit);
        });
        credentials.answered(account, "look");
        return value;
      } finally {
        if (!asked) limit?.ticket?.drop();
      }
    };

  const change =
    <Request extends { readonly account: string }, Value>(
      send: (one: Change, request: Request) => Promise<Answer<Value>>,
    ) =>
    async (one: Change, request: Request): Promise<Answer<Value>> => {
      const { account } = request;
      let asked = false;
      try {
        const answer = await as(account, { by: "change", isForAll: false }, (pin) => {
          asked = true;
          return send(one, { ...request, ...pin });
        });
        if (answer.kind === "answered") credentials.answered(account, "change");
        return answer;
      } finally {
        if (!asked) one.ticket?.drop();
      }
    };

  const pinned = (ref: LoadBalancerRef): LoadBalancerRef => {
    const project = credentials.projectOf(ref.account);
    return project === undefined ? ref : { ...ref, project };
  };

  return {
    ...outside,
    createServer: change(outside.createServer),
    deleteServer: change(outside.deleteServer),
    tagServer: change(outside.tagServer),
    getServer: look(outside.getServer),
    listServers: look(outside.listServers, true),
    findByIntention: look(outside.findByIntention),
    ...(outside.consoleTail && { consoleTail: look(outside.consoleTail) }),
    // A look or change of load balancers asks for no pin: it may not depend on the cloud. And who
    // denies it need not be the one who issued the account's credentials, so it stops nobody.
    listMembers: (ref, limit) => outside.listMembers(pinned(ref), limit),
    changeMembers: (ref, parts, ticket) => outside.changeMembers(pinned(ref), parts, ticket),
    repin: (account, repin) => credentials.repin(account, repin, asker(account)),
  };
}
