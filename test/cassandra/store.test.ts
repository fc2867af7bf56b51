import { after } from "node:test";
import { storeContract } from "../contract/store.contract.js";
import { openStoreBench, removeHome } from "./store-bench.js";

storeContract("Cassandra", { open: openStoreBench });
after(removeHome);
