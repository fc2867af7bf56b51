import type { Call } from "./call.js";

/** Sends notifications to URLs that users gave (B7.5). */
export interface Sender {
  /** Why nothing would be sent there; undefined: it would, as far as the text tells. */
  refusalOf(url: string): string | undefined;
  /**
   * Posts it, signed, and follows nowhere. Resolves to the status of the answer.
   *
   * @throws Error: it was not sent, or nothing was answered in time; its message has no secret.
   */
  send(notification: Notification, call: Call): Promise<number>;
}

export interface Notification {
  readonly url: string;
  /** 32 bytes. */
  readonly secret: Uint8Array;
  /** The same when it is sent again: who gets it twice knows it by that. */
  readonly id: string;
  /** When this try is made; part of what is signed. */
  readonly atMs: number;
  /** JSON. */
  readonly body: string;
}
