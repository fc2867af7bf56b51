/** One token that stands for all events of an account, or of one of its groups. */
export function scopeOf(scope: { readonly account: number; readonly group?: number }): string {
  return scope.group === undefined ? `a${scope.account}` : `g${scope.group}`;
}
