/** A scored sequence among others of its group; of two the one with the larger outcome is the better. */
export interface RankedScore {
  readonly score: number;
  readonly group: number;
  readonly outcome: number;
}

export interface BradleyTerryLoss {
  /** Mean over pairs; 0 where there is none. */
  readonly loss: number;
  /** d loss / d score, one a sequence. */
  readonly slopes: readonly number[];
  readonly pairs: number;
  /** Share of pairs whose better sequence has the larger score, and by how much it is larger on average. */
  readonly accuracy: number;
  readonly margin: number;
}

/**
 * InstructGPT (arXiv:2203.02155), eq. 1, the likelihood of preferences by Bradley and Terry: the mean of -log σ(r_better - r_worse)
 * over all pairs of a group with different outcomes.
 * Deviation: the mean is over the pairs of all groups together, so that a group with more pairs counts for more.
 */
export function bradleyTerry(scores: readonly RankedScore[]): BradleyTerryLoss {
  const margins = scores.flatMap((better, b) =>
    scores.flatMap((worse, w) =>
      better.group === worse.group && better.outcome > worse.outcome
        ? [{ b, w, margin: better.score - worse.score }]
        : [],
    ),
  );
  const slopes = scores.map(() => 0);
  const mean = (of: (margin: number) => number): number =>
    margins.reduce((sum, { margin }) => sum + of(margin), 0) / Math.max(1, margins.length);
  for (const { b, w, margin } of margins) {
    const slope = 1 / (1 + Math.exp(margin)) / margins.length;
    slopes[b] = (slopes[b] ?? 0) - slope;
    slopes[w] = (slopes[w] ?? 0) + slope;
  }
  return {
    loss: mean((margin) => Math.max(-margin, 0) + Math.log1p(Math.exp(-Math.abs(margin)))),
    slopes,
    pairs: margins.length,
    accuracy: mean((margin) => (margin > 0 ? 1 : 0)),
    margin: mean((margin) => margin),
  };
}
