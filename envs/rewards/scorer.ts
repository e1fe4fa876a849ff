import type { Json } from '../../core/types.js';

/** Judges the final answer of an episode against what a row of data says is true. */
export interface Scorer {
  /** One sentence saying what it needs, where the ground truth is none it can compare with. */
  problemOf(groundTruth: Json): string | undefined;
  /** A finite number; the ground truth is one without a problem. */
  score(answer: string, groundTruth: Json): number;
}

/** A text or a number, as text; undefined for anything else. */
export function textOf(groundTruth: Json): string | undefined {
  return typeof groundTruth === 'string' || typeof groundTruth === 'number' ? `${groundTruth}` : undefined;
}

/** For scorers that compare with one text. */
export function textProblem(groundTruth: Json): string | undefined {
  return textOf(groundTruth) === undefined ? 'must be text or a number' : undefined;
}
