/** How scores become weights, beyond the causal mask; what is left out is as in Llama. */
export interface AttentionRules {
  /** What q · k is multiplied by, above 0; 1 / sqrt(D) unless given. */
  readonly scale?: number;
  /** Scores become softcap · tanh(score / softcap) before the mask (Gemma 2, arXiv:2408.00118); 0, the default, leaves them. */
  readonly softcap?: number;
  /** Positions that one sees, itself and those before it (sliding window, arXiv:2004.05150); 0, the default, sees all. */
  readonly window?: number;
}

/** Rules with every default filled in. Throws a RangeError where one is out of its range. */
export function completeRules(
  { scale, softcap = 0, window = 0 }: AttentionRules,
  headDim: number,
): Required<AttentionRules> {
  const complete = { scale: scale ?? 1 / Math.sqrt(headDim), softcap, window };
  if (!(complete.scale > 0 && Number.isFinite(complete.scale)))
    throw new RangeError(`attention: scale must be finite and above 0, unlike ${scale}`);
  if (!(softcap >= 0 && Number.isFinite(softcap)))
    throw new RangeError(`attention: softcap must be finite and at least 0, unlike ${softcap}`);
  if (!(window >= 0 && Number.isSafeInteger(window)))
    throw new RangeError(`attention: window must be a whole number of positions or 0, unlike ${window}`);
  return complete;
}
