import { createSeededIds } from "../simulation/virtual-clock.js";
import { call, listAll, openCloud, requestOf, sleepSeconds } from "./cloud-process-harness.js";

/** A daemon to be killed: node cloud-process-host.js <folder> <one|storm> <seed>. */
const [dataDir = "", mode = "one", seed = "0"] = process.argv.slice(2);
const driver = await openCloud(dataDir, { stopGraceMs: 200 });
const sleeper = ["sleep", String(sleepSeconds)];
const { random } = createSeededIds(Number(seed));

if (mode === "one") {
  const made = await driver.createServer(requestOf("one", sleeper), call);
  console.log(made.id);
  setInterval(() => {}, 1_000);
} else {
  const left = await listAll(driver);
  console.log("ready");
  const lanes = Array.from({ length: 3 }, (_, lane) => storm(lane));
  await Promise.all(lanes);

  async function storm(lane: number): Promise<void> {
    const known = left.filter((_, index) => index % 3 === lane).map(({ id }) => id);
    for (let turn = 0; turn < 500; turn++) {
      const id = random() < 0.4 ? known.shift() : undefined;
      if (id) await driver.deleteServer({ account: "acme", id }, call);
      else if (known.length < 12) {
        const request = requestOf(`${seed}-${lane}-${turn}`, sleeper);
        known.push((await driver.createServer(request, call)).id);
      } else continue;
      console.log("done");
    }
  }
}
