import { createSimulatedCloud } from "../../src/drivers/cloud-simulated/index.js";
import type { CloudHarness } from "../contract/index.js";
import { createRandom, createVirtualClock } from "../simulation/virtual-clock.js";

export const simulatedHarness: CloudHarness = {
  offers: {
    arrived: true,
    loseCreateAnswer: true,
    refuse: true,
    failPage: true,
    otherProject: true,
  },
  async start() {
    const clock = createVirtualClock();
    const cloud = createSimulatedCloud({
      ...{ clock, random: createRandom(7), pageServersMax: 5, listingLagMs: 2_000 },
      buildMs: { fromMs: 100, toMs: 900 },
    });
    cloud.inject({ kind: "listingLag", lagMs: 1_900 });
    const launch = {
      ...{ image: "debian", flavor: "small", userData: "#!/bin/sh\n", parameters: {} },
      metadata: { role: "web" },
    };
    return {
      ...{ installation: "here", colo: "iad", accounts: ["acme", "globex"], launch },
      invalidLaunch: { launch: { ...launch, image: " " }, field: "image" },
      zone: "z1",
      zoneOf: async ({ id }) => cloud.zoneOf(id),
      ...{ activeWithinMs: 1_000, goneWithinMs: 3_000, manyServers: 23 },
      openDriver: async () => cloud.openDriver(),
      pass: (ms) => clock.advance(ms),
      arrived: async ({ id }) => {
        const { metadata, userData } = cloud.launchOf(id) ?? launch;
        return { metadata, userData };
      },
      loseCreateAnswer: () => cloud.inject({ kind: "answerLost", on: "create" }, { timesMax: 1 }),
      refuse: ({ operation, kind, ...rest }) =>
        cloud.inject({ kind: "refuse", on: [operation], with: kind, ...rest }, { timesMax: 1 }),
      failPage: () => cloud.inject({ kind: "pageFails" }, { timesMax: 1 }),
      otherProject: () => cloud.inject({ kind: "otherProject" }, { account: "acme" }),
      stop: async () => {},
    };
  },
};
