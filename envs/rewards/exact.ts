import { type Scorer, textOf, textProblem } from './scorer.js';

/** 1 where the answer is the ground truth, white space around either aside; else 0. */
export const exact: Scorer = {
  problemOf: textProblem,
  score: (answer, groundTruth) => (answer.trim() === textOf(groundTruth)?.trim() ? 1 : 0),
};
