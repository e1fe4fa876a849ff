import type { PreparedMiniBatch } from '../../core/losses/policy-loss.js';

interface Given {
  readonly logProbs: readonly number[];
  readonly advantages: readonly number[];
  readonly refLogProbs?: readonly number[];
  /** Tokens of each sequence; one sequence unless said otherwise. */
  readonly lengths?: readonly number[];
  readonly groups?: readonly number[];
}

/** What `prepare` sees, on-policy. */
export function miniBatchOf({ logProbs, advantages, refLogProbs, lengths, groups }: Given): PreparedMiniBatch {
  const counts = lengths ?? [logProbs.length];
  return {
    logProbs: Float32Array.from(logProbs),
    oldLogProbs: Float32Array.from(logProbs),
    advantages: Float32Array.from(advantages),
    refLogProbs: Float32Array.from(refLogProbs ?? logProbs.map(() => Number.NaN)),
    segments: Int32Array.from(counts.flatMap((count, s) => new Array<number>(count).fill(s))),
    groups: Int32Array.from(groups ?? counts.map(() => 0)),
  };
}
