import { cloudDriverContract } from "../contract/index.js";
import { processHarness } from "./cloud-process-harness.js";

cloudDriverContract("process", processHarness);
