import type { GroupKey, NotifierId } from "../core/model/ids.js";
import type { Notifier, NotifierRef } from "../core/model/notifier.js";
import type { Caller } from "./caller.js";
import type { Page } from "./page.js";

/** Who is told what happens in a group (B7.5). */
export interface NotifierUseCases {
  /**
   * @throws Fault `FIELD_INVALID`: nothing may be sent to that URL.
   * @throws Fault `UNSUPPORTED`: this installation sends nothing.
   */
  create(request: CreateNotifier, caller: Caller): Promise<NotifierView>;
  get(ref: NotifierRef, caller: Caller): Promise<NotifierView>;
  list(
    request: { readonly key: GroupKey; readonly pageSize: number; readonly after?: NotifierId },
    caller: Caller,
  ): Promise<Page<NotifierView>>;
  delete(ref: NotifierRef, caller: Caller): Promise<void>;
}

export interface CreateNotifier {
  readonly key: GroupKey;
  /** Made up when undefined. */
  readonly notifier?: NotifierId;
  readonly spec: Pick<Notifier, "displayName" | "url" | "types">;
  /** 32 random bytes. Sealed, and never given back. */
  readonly secret: Uint8Array;
}

export type NotifierView = Omit<Notifier, "secret" | "beginsAfter">;
