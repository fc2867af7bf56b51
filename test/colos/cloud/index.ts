import { OutsideFault } from "../../../src/core/errors/outside-fault.js";
import type { Call } from "../../../src/core/ports/call.js";
import { defineCloudDriver } from "../../../src/core/ports/driver.js";
import { type Answer, askedAtHeader, createDeadlineMs, type Method } from "./wire.js";

/** Reaches a colo's cloud, which runs in a process of its own, at `url`. */
export default defineCloudDriver<{ readonly url: string }>({
  name: "colo-cloud",
  apiVersion: 1,
  optionsSchema: {
    type: "object",
    additionalProperties: false,
    required: ["url"],
    properties: { url: { type: "string" } },
  },
  async open({ url }) {
    // JSON is what both sides agreed on: the port's own types.
    const method = (name: Method) => (request: unknown, call: Call) =>
      ask(`${url}/${name}`, request, call) as Promise<never>;
    return {
      capabilities: { listingLagMs: 0, createDeadlineMs, reportsPort: true },
      project: method("project"),
      createServer: method("createServer"),
      deleteServer: method("deleteServer"),
      getServer: method("getServer"),
      listServers: method("listServers"),
      findByIntention: method("findByIntention"),
      tagServer: method("tagServer"),
      checkLaunch: method("checkLaunch"),
      quota: method("quota"),
      async close() {},
    };
  },
});

async function ask(url: string, request: unknown, { signal }: Call): Promise<unknown> {
  let answer: Answer;
  try {
    const response = await fetch(url, {
      method: "POST",
      body: JSON.stringify(request),
      headers: { [askedAtHeader]: String(Date.now()) },
      signal,
    });
    answer = (await response.json()) as Answer;
  } catch (error) {
    throw new OutsideFault("temporary", String(error), { ambiguous: true, cause: error });
  }
  const { value, fault } = answer;
  if (fault) throw new OutsideFault(fault.kind, fault.message, fault);
  return value;
}
