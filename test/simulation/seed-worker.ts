import { drawScenario } from "./draw.js";
import { runScenario } from "./run.js";

/** Runs the seeds that the parent process names, one after another. */
process.on("message", (seed: number) => {
  runScenario(drawScenario(seed)).then(
    (outcome) => process.send?.({ seed, outcome }),
    (error: unknown) => {
      process.stderr.write(`seed ${seed}: ${String(error)}\n`);
      process.exit(1);
    },
  );
});
process.on("disconnect", () => process.exit(0));
