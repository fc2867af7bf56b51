import type { SecretBox } from "../../core/ports/secret-box.js";
import type { Sender } from "../../core/ports/sender.js";

/** What it takes to tell URLs of events (B7.5). */
export interface Notifying {
  readonly box: SecretBox;
  readonly sender: Sender;
  /** Makes the first key where there is none. */
  readonly needKey: (signal: AbortSignal) => Promise<void>;
}
