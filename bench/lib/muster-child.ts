import { cpuMs, serveParent } from "./child.js";
import { createGroups, openBenchMuster } from "./muster.js";

/** A listening Muster in a process of its own: `converges` or `takesOnly`. */
const muster = await openBenchMuster({ listens: true, converges: process.argv[2] === "converges" });

serveParent(
  {
    address: () => muster.address,
    createGroups: (count: number) => createGroups(muster, count),
    settle: () => muster.settle(),
    cpuMs,
  },
  () => muster.dispose(),
);
