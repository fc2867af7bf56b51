export interface Page<Item> {
  readonly items: readonly Item[];
  /** Whether more follows. */
  readonly more: boolean;
}
