/** The operator's local switch file: a kill switch that needs no store (B9.1). */
export interface SwitchFile {
  /** For people: where it is. */
  readonly name: string;
  /** Its content; undefined only when it is for certain not there. @throws when that is unknown. */
  read(): Promise<string | undefined>;
}
