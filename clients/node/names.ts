/** Resource names as the API writes them. Ids are the caller's, checked by the server. */
export const accountName = (account: string): string => `accounts/${account}`;

export const groupName = (account: string, group: string): string =>
  `${accountName(account)}/groups/${group}`;

export const policyName = (path: {
  readonly account: string;
  readonly group: string;
  readonly policy: string;
}): string => `${groupName(path.account, path.group)}/policies/${path.policy}`;

export const webhookName = (path: {
  readonly account: string;
  readonly group: string;
  readonly policy: string;
  readonly webhook: string;
}): string => `${policyName(path)}/webhooks/${path.webhook}`;

export const notifierName = (path: {
  readonly account: string;
  readonly group: string;
  readonly notifier: string;
}): string => `${groupName(path.account, path.group)}/notifiers/${path.notifier}`;

export const serverName = (path: {
  readonly account: string;
  readonly group: string;
  readonly server: string;
}): string => `${groupName(path.account, path.group)}/servers/${path.server}`;

export const scheduleName = (path: {
  readonly account: string;
  readonly group: string;
  readonly schedule: string;
}): string => `${groupName(path.account, path.group)}/schedules/${path.schedule}`;

export const eventName = (account: string, event: string): string =>
  `${accountName(account)}/events/${event}`;

export const credentialsName = (account: string, colo: string): string =>
  `${accountName(account)}/credentials/${colo}`;

export const coloName = (colo: string): string => `colos/${colo}`;

/** The last part of a name: `accounts/a/groups/web` is `web`. */
export const idOf = (name: string): string => name.slice(name.lastIndexOf("/") + 1);
