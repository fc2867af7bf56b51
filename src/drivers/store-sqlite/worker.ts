import { serve } from "../sqlite-worker/serve.js";
import { createBackUpHandlers } from "./back-up-handlers.js";
import { createFeedHandlers } from "./feed-handlers.js";
import { createHintHandlers } from "./hint-handlers.js";
import { createNameHandlers } from "./name-handlers.js";
import type { StoreOperations } from "./operations.js";
import { createPartitionHandlers } from "./partition-handlers.js";
import { storeSchema } from "./schema.js";

await serve<StoreOperations>(storeSchema, (db) => ({
  ...createPartitionHandlers(db),
  ...createFeedHandlers(db),
  ...createHintHandlers(db),
  ...createNameHandlers(db),
  ...createBackUpHandlers(db),
}));
