import { cloudDriverContract } from "../../contract/index.js";
import { novaHarness } from "../nova-harness.js";

cloudDriverContract("M4.1 openstack, against the real Nova", novaHarness);
