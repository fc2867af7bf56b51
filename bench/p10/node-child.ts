import { createMuster } from "../../src/app.js";
import { configOf } from "../../test/cassandra/bed.js";
import { serveParent } from "../lib/child.js";
import { benchCaller, benchColo, benchConfig, benchGroup, createGroups } from "../lib/muster.js";
import { connectCloud } from "../lib/shared-cloud.js";

/** What a node is started with, as JSON. */
export interface NodeStart {
  readonly keyspace: string;
  readonly cloudAddress: string;
  readonly dataDir: string;
}

const { keyspace, cloudAddress, dataDir } = JSON.parse(process.argv[2] ?? "{}") as NodeStart;
const colo = { cloud: await connectCloud(cloudAddress), pollMs: 1_000 };
const muster = await createMuster({
  ...benchConfig(false),
  ...{ dataDir, store: configOf({ keyspace }), colos: { [benchColo]: colo } },
});

async function isAt(index: number, target: number): Promise<boolean> {
  const { placements } = await muster.supervisor.groups.get(benchGroup(index), benchCaller);
  return placements.every((one) => one.inService === target && one.leaving === 0);
}

serveParent(
  {
    createGroups: (count: number) => createGroups(muster, count),
    setTarget: ({ index, target }: { readonly index: number; readonly target: number }) =>
      muster.supervisor.scaling.submit(
        { key: benchGroup(index), source: "manual", ask: { kind: "target", target } },
        benchCaller,
      ),
    isAt: ({ index, target }: { readonly index: number; readonly target: number }) =>
      isAt(index, target),
  },
  () => muster.stop(0),
);
