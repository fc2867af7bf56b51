/**
 * Everything that a caller may be allowed to do (B10.1). The proto's `access` options name these.
 */
export const permissions = [
  "groups.create",
  "groups.get",
  "groups.list",
  "groups.update",
  "groups.delete",
  "groups.pause",
  "policies.create",
  "policies.get",
  "policies.list",
  "policies.update",
  "policies.delete",
  "policies.execute",
  "scale.up",
  "scale.down",
  "scale.rebuild",
  "limits.exceed",
  "servers.get",
  "servers.list",
  "servers.update",
  "servers.delete",
  "events.read",
  "colo.read",
  "colo.brake",
  "access.manage",
] as const;

export type Permission = (typeof permissions)[number];

const known: ReadonlySet<string> = new Set(permissions);

export function isPermission(text: string): text is Permission {
  return known.has(text);
}

const viewer: readonly Permission[] = [
  "groups.get",
  "groups.list",
  "policies.get",
  "policies.list",
  "servers.get",
  "servers.list",
  "events.read",
  "colo.read",
];

/**
 * Runs what others have set up: whoever may scale a group may also pause it, since stopping harm
 * must not wait for who configures. Brakes work only for who is bound to the whole
 * installation.
 */
const operator: readonly Permission[] = [
  ...viewer,
  "groups.pause",
  "policies.execute",
  "scale.up",
  "scale.down",
  "scale.rebuild",
  "servers.update",
  "servers.delete",
  "colo.brake",
];

/** Sets up what others run. */
const editor: readonly Permission[] = [
  ...operator,
  "groups.create",
  "groups.update",
  "groups.delete",
  "policies.create",
  "policies.update",
  "policies.delete",
];

/** Each role holds all that the one before it holds. Only an admin may exceed limits. */
export const roles = {
  viewer: new Set(viewer),
  operator: new Set(operator),
  editor: new Set(editor),
  admin: new Set(permissions),
} as const satisfies Record<string, ReadonlySet<Permission>>;

export type Role = keyof typeof roles;
