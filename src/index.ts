/** What an embedder imports: `muster`. */
export { type ColoDrivers, createMuster, type Muster, type MusterOptions } from "./app.js";
export { type Config, readConfig } from "./config.js";
export { Fault, isFault } from "./core/errors/fault.js";
export type { Journal } from "./core/ports/journal.js";
export type { Log } from "./core/ports/log.js";
export type { Store } from "./core/ports/store.js";
