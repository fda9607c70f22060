/** A table that a suite measures in its own way, beside the rows of servers under load. */
export interface ExtraTable {
  readonly title: string;
  readonly headings: readonly string[];
  /** Texts and numbers by column. */
  readonly rows: readonly (readonly (string | number)[])[];
}

/** A goal of such a table. */
export interface ExtraGoal {
  readonly title: string;
  readonly value: number;
  /** Met when the value is at least, or at most, this: one of them. */
  readonly atLeast?: number;
  readonly atMost?: number;
}

export interface ExtraResult {
  readonly tables: readonly ExtraTable[];
  readonly goals: readonly ExtraGoal[];
}

/** How long a suite of its own kind is to take. */
export interface SuiteTime {
  /** Of its longest part, in milliseconds. @default its own */
  readonly ms?: number | undefined;
}
