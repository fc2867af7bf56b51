import { cloudDriverContract } from "../contract/index.js";
import { simulatedHarness } from "./cloud-simulated-harness.js";

cloudDriverContract("simulated", simulatedHarness);
