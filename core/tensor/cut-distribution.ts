/** What is left of a distribution; the likeliest token always is. */
export interface DistributionCut {
  /** The so many likeliest tokens; 0 = all. */
  readonly topK: number;
  /** Of these the fewest, likeliest first, that together have this share of their probability; 1 = all. */
  readonly topP: number;
  /** Of these the ones at least so many times as likely as the likeliest; 0 = all. */
  readonly minP: number;
}

/** Whether anything may be cut off. */
export function isCut({ topK, topP, minP }: DistributionCut): boolean {
  return topK > 0 || topP < 1 || minP > 0;
}

/**
 * Sets to 0 the weights of tokens that are not to be sampled: top-k (Fan et al., arXiv:1805.04833), then top-p of what is left
 * (Holtzman et al., arXiv:1904.09751), then min-p (Nguyen et al., arXiv:2407.01082). Of equally likely tokens the smaller id goes first.
 * @param weights one a token, in proportion to their probabilities
 */
export function cutDistribution(weights: Float64Array, cut: DistributionCut): void {
  if (!isCut(cut)) return;
  const ranked = Uint32Array.from(weights, (_, token) => token).sort(
    (a, b) => (weights[b] ?? 0) - (weights[a] ?? 0) || a - b,
  );
  const count = cut.topK > 0 ? Math.min(cut.topK, ranked.length) : ranked.length;
  const left = Math.max(1, Math.min(withinShare(weights, ranked.subarray(0, count), cut.topP), count));
  const least = cut.minP * (weights[ranked[0] ?? 0] ?? 0);
  for (const [rank, token] of ranked.entries()) {
    if (rank >= left || (rank > 0 && (weights[token] ?? 0) < least)) weights[token] = 0;
  }
}

/** How many of the ranked tokens have nothing or less than the share before them. */
function withinShare(weights: Float64Array, ranked: Uint32Array, share: number): number {
  if (share >= 1) return ranked.length;
  const total = ranked.reduce((sum, token) => sum + (weights[token] ?? 0), 0);
  let before = 0;
  for (const [rank, token] of ranked.entries()) {
    if (before >= share * total) return rank;
    before += weights[token] ?? 0;
  }
  return ranked.length;
}
