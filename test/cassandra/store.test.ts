import { storeContract } from "../contract/store.contract.js";
import { openStoreBench } from "./store-bench.js";

storeContract("Cassandra", { open: openStoreBench });
