import type { ColoId } from "../../src/core/model/ids.js";
import type { ScaleAsk } from "../../src/core/model/scale-event.js";
import type { GroupSpec } from "../../src/supervisor/api.js";
import { createGroup, groupSpec, placed, web } from "./asks.js";
import { createWorld, type Node, type World, type WorldOptions } from "./world.js";

/** Two colos, each served by a node of its own. */

const credentials = { project: "project-of-acme", password: "hush" };

export async function createPair(
  options: Pick<WorldOptions, "needsCredentials"> & { readonly spec?: Partial<GroupSpec> } = {},
) {
  const world = await createWorld({
    ...{ colos: ["iad", "ams"], apart: { lagMs: 100 } },
    ...(options.needsCredentials ? { needsCredentials: true } : {}),
    node: { colos: ["iad"] },
  });
  const ams = await world.join("node-ams", ["ams"]);
  if (options.needsCredentials)
    for (const [colo, { access }] of [
      ["iad", world.node()],
      ["ams", ams.supervisor],
    ] as const) {
      const asked = { ...{ account: web.account, colo: colo as ColoId }, secret: credentials };
      await world.run(access.setCredentials(asked, world.caller));
    }
  const placements = [placed("iad", { max: 10 }), placed("ams", { max: 10 })];
  await createGroup(world, groupSpec({ placements, ...options.spec }));
  return { world, ams };
}

export const serversIn = (world: World, colo: string) => world.clouds.get(colo)!.servers().length;

export function part(world: World): void {
  world.cluster.peerLinks.cut("iad", "ams");
  world.cluster.storeLinks.cut("iad", "ams");
}

export function join(world: World): void {
  world.cluster.peerLinks.mendAll();
  world.cluster.storeLinks.mendAll();
}

export const askOf = (world: World, node: Node, ask: ScaleAsk, requestId?: string) =>
  node.supervisor.scaling.submit(
    { key: web, source: "manual", ask, ...(requestId === undefined ? {} : { requestId }) },
    world.caller,
  );

/** Clouds of colos that cannot be asked are left unasked. */
export const edit = (world: World, change: (spec: GroupSpec) => GroupSpec) =>
  world.run(
    world
      .node()
      .groups.update(
        { key: web, change, validateOnly: false, allowUnverified: true },
        world.caller,
      ),
  );
