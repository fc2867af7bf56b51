import { serve } from "../sqlite-worker/serve.js";
import { createAppendHandlers } from "./append-handlers.js";
import type { JournalOperations } from "./operations.js";
import { journalSchema } from "./schema.js";
import { createSearchHandler } from "./search-handler.js";

await serve<JournalOperations>(journalSchema, (db) => ({
  ...createAppendHandlers(db),
  search: createSearchHandler(db),
}));
