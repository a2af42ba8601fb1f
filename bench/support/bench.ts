/** What a bench is, and what it answers. */
import type { Facts } from "./facts.ts";
import type { TemporalKind } from "./temporal.ts";

export interface BenchContext {
  /** Small numbers: shows that the code works, measures nothing. */
  smoke: boolean;
  temporal: TemporalKind;
  /** One line for a person about what is being done. */
  say: (line: string) => void;
}

/** One measured value, with the same of the bare baseline where there is one. */
export interface Figure {
  name: string;
  unit: string;
  ours: number;
  /** null: nothing bare is like it. */
  bare: number | null;
}

/** Where a figure comes from. */
export interface Breakdown {
  title: string;
  header: string[];
  rows: (string | number)[][];
}

export interface Result {
  figures: Figure[];
  breakdowns: Breakdown[];
  /** Of the servers that it ran on. */
  facts: Facts;
  /** What a reader must know to read the figures right. */
  notes: string[];
}

export interface Bench {
  name: string;
  /** One line for `--help`. */
  about: string;
  /** Rejects when what it measured is not what it claims to measure. */
  run(context: BenchContext): Promise<Result>;
}
