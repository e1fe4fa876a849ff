import type { Row } from './row.js';

/** How a bench is run; what is left out has each bench's own default. */
export interface BenchOptions {
  /** Cases to measure, of those the bench has. */
  readonly cases: readonly string[];
  /** Peers to compare with, of those the bench has. */
  readonly peers: readonly string[];
  /** For both sides. */
  readonly threads: number;
  readonly rounds?: number;
  /** Length of one timed measurement; a peer's or ours. */
  readonly seconds?: number;
  /** Decoder layers instead of the case's own number: to try things out, not to report. */
  readonly layers?: number;
  /** Sequences of a step instead of the case's own number, for the same. */
  readonly sequences?: number;
  /** Says what is going on, for people. */
  readonly progress: (line: string) => void;
}

/** A comparison with peers; one file and one row in the table of `benches.ts`. */
export interface Bench {
  readonly name: string;
  /** What is compared and how, for readers of the page: full sentences. */
  readonly description: string;
  readonly cases: readonly string[];
  readonly peers: readonly string[];
  /** Figures of a row that its tables show: key and title. Keys that end in `Bytes` are shown in MB. */
  readonly columns: { readonly [key: string]: string };
  /** Measures the cases one after the other. */
  run(options: BenchOptions, signal: AbortSignal): AsyncIterable<Row>;
}
