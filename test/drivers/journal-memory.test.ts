import { createMemoryJournal } from "../../src/drivers/journal-memory/index.js";
import { journalContract } from "../contract/journal.contract.js";

journalContract("in memory", {
  async open() {
    const journal = createMemoryJournal();
    return { journal, settle: async () => {}, dispose: () => journal.close() };
  },
});
