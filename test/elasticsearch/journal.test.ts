import { journalContract } from "../contract/journal.contract.js";
import { openJournalBench } from "./journal-bench.js";

journalContract("Elasticsearch", { open: openJournalBench });
