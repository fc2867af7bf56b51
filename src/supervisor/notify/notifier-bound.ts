/** What a notifier's sealed secret is bound to: it opens for no other notifier. */
export function notifierBound(installation: string, uid: string): string {
  return JSON.stringify(["notifier", installation, uid]);
}
