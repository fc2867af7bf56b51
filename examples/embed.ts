import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { createMuster } from "muster";
import { createEmbeddedClient, followEvents } from "muster/client";

const dataDir = await mkdtemp(`${tmpdir()}/muster-embed-`);
const colos = { local: { cloud: { use: "builtin:process" }, pollMs: 250 } };
const muster = await createMuster({ dataDir, colos });
const client = createEmbeddedClient(muster.transport); // In this process: no port, no token.

const [parent, name] = ["accounts/me", "accounts/me/groups/workers"];
const placements = [{ colo: "local", min: 0, max: 10 }];
const parameters = { command: ["node", "-e", "setInterval(() => {}, 1000)"] };
const group = { displayName: "Workers", placements, launchConfiguration: { parameters } };
await client.groups.createGroup({ parent, groupId: "workers", group });
await client.scaling.setTarget({ name, target: 3 });

let running = 0;
follow: for await (const { events } of followEvents(client, { parent, fromStart: true }))
  for (const { type, server, message } of events) {
    console.log(type, server, message);
    if (type === "server.in_service" && ++running === 3)
      await client.scaling.setTarget({ name, target: 0 });
    if (type === "server.gone" && --running === 0) break follow;
  }
await client.groups.deleteGroup({ name });
await muster.stop();
await rm(dataDir, { recursive: true });
