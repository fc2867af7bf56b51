import { createServer } from "node:net";
import type { Diagnosis } from "../../core/model/diagnosis.js";
import type { DiagnoseCall, DriverHost } from "../../core/ports/driver.js";
import { listenAddress, type ProxyOptions } from "./options.js";

/** Whether each load balancer could listen. Each address is taken for a moment. */
export async function diagnoseProxy(
  { loadBalancers }: ProxyOptions,
  _host: DriverHost,
  { isRunning }: DiagnoseCall,
): Promise<readonly Diagnosis[]> {
  const asked = Object.entries(loadBalancers).map(async ([id, { listen }]): Promise<Diagnosis> => {
    const subject = `load balancer ${id}`;
    const refused = await tryToListen(listen);
    if (!refused) return { subject, state: "ok", say: `${listen} is free` };
    if (isRunning && refused.code === "EADDRINUSE")
      return { subject, state: "ok", say: `${listen} is in use, as it should be` };
    const fix = "end who listens there, or listen on an address that is this machine's, and free";
    return { subject, state: "problem", say: refused.message, fix };
  });
  return Promise.all(asked);
}

async function tryToListen(listen: string): Promise<NodeJS.ErrnoException | undefined> {
  try {
    const address = listenAddress(listen);
    const server = createServer();
    return await new Promise((resolve) => {
      server.once("error", resolve);
      server.listen({ ...address, exclusive: true }, () => server.close(() => resolve(undefined)));
    });
  } catch (error) {
    return error as NodeJS.ErrnoException;
  }
}
