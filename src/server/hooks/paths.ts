import type { WebhookUse } from "../../core/model/webhook.js";

/** Who may post where. */
export type HookKind = keyof typeof prefixes;

const prefixes = {
  execute: "/hooks/",
  alertmanager: "/alerts/alertmanager/",
  aodh: "/alerts/aodh/",
} as const;

const kinds = Object.entries(prefixes) as readonly [HookKind, string][];

/** Undefined for paths that are none of ours. */
export function readHookPath(
  url: string,
): { readonly kind: HookKind; readonly token: string } | undefined {
  const path = url.split("?", 1)[0]!;
  for (const [kind, prefix] of kinds)
    if (path.startsWith(prefix)) return { kind, token: path.slice(prefix.length) };
  return undefined;
}

export function isMeantFor(use: WebhookUse, kind: HookKind): boolean {
  return (use === "execute") === (kind === "execute");
}

/** Where a webhook's token may be posted to. */
export function pathsOf(use: WebhookUse, token: string): string[] {
  return kinds.filter(([kind]) => isMeantFor(use, kind)).map(([, prefix]) => prefix + token);
}
