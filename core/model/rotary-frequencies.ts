/** How the frequencies of a rotary embedding are stretched for contexts longer than those of its training. */
export type RotaryScaling =
  /** All divided by the factor (Chen et al., arXiv:2306.15595). */
  | { readonly type: 'linear'; readonly factor: number }
  /** Llama 3.1: low frequencies are divided, high ones kept, those between interpolated. */
  | {
      readonly type: 'llama3';
      readonly factor: number;
      readonly lowFreqFactor: number;
      readonly highFreqFactor: number;
      readonly originalMaxPositionEmbeddings: number;
    }
  /** YaRN (Peng et al., arXiv:2309.00071, section 3). */
  | {
      readonly type: 'yarn';
      readonly factor: number;
      readonly betaFast: number;
      readonly betaSlow: number;
      readonly originalMaxPositionEmbeddings: number;
      readonly attentionFactor: number;
      readonly truncate: boolean;
    }
  /** Each frequency is divided by its own factor: what a GGUF file keeps of llama3 scaling. */
  | { readonly type: 'factors'; readonly factors: readonly number[] };

export interface RotaryConfig {
  /** Base of the frequencies. */
  readonly theta: number;
  readonly scaling?: RotaryScaling;
}

/** D/2 angles a position, in radians, and what cosines and sines are multiplied by. */
export interface RotaryFrequencies {
  readonly frequencies: readonly number[];
  readonly attentionFactor: number;
}

/**
 * Frequencies of rotary position embedding (Su et al., arXiv:2104.09864, section 3.2.2), scaled.
 * @param headDim even
 */
export function rotaryFrequencies(headDim: number, { theta, scaling }: RotaryConfig): RotaryFrequencies {
  const half = headDim / 2;
  const plain = Array.from({ length: half }, (_, i) => theta ** (-i / half));
  switch (scaling?.type) {
    case undefined:
      return { frequencies: plain, attentionFactor: 1 };
    case 'linear':
      return { frequencies: plain.map((frequency) => frequency / scaling.factor), attentionFactor: 1 };
    case 'llama3':
      return { frequencies: plain.map((frequency) => llama3(frequency, scaling)), attentionFactor: 1 };
    case 'yarn':
      return { frequencies: yarn(plain, theta, scaling), attentionFactor: scaling.attentionFactor };
    case 'factors':
      return {
        frequencies: plain.map((frequency, i) => frequency / (scaling.factors[i] ?? 1)),
        attentionFactor: 1,
      };
    default:
      return scaling satisfies never;
  }
}

function llama3(
  frequency: number,
  {
    factor,
    lowFreqFactor,
    highFreqFactor,
    originalMaxPositionEmbeddings,
  }: Extract<RotaryScaling, { readonly type: 'llama3' }>,
): number {
  const turns = (originalMaxPositionEmbeddings * frequency) / (2 * Math.PI);
  if (turns < lowFreqFactor) return frequency / factor;
  if (turns > highFreqFactor) return frequency;
  const kept = (turns - lowFreqFactor) / (highFreqFactor - lowFreqFactor);
  return (1 - kept) * (frequency / factor) + kept * frequency;
}

function yarn(
  plain: readonly number[],
  theta: number,
  scaling: Extract<RotaryScaling, { readonly type: 'yarn' }>,
): number[] {
  const { factor, betaFast, betaSlow, originalMaxPositionEmbeddings, truncate } = scaling;
  const half = plain.length;
  const indexOfTurns = (turns: number): number =>
    (half * Math.log(originalMaxPositionEmbeddings / (turns * 2 * Math.PI))) / Math.log(theta);
  const [fast, slow] = [indexOfTurns(betaFast), indexOfTurns(betaSlow)];
  const low = Math.max(truncate ? Math.floor(fast) : fast, 0);
  const high = Math.min(truncate ? Math.ceil(slow) : slow, 2 * half - 1);
  const width = high === low ? 0.001 : high - low;
  return plain.map((frequency, i) => {
    const interpolated = Math.min(1, Math.max(0, (i - low) / width));
    return (frequency / factor) * interpolated + frequency * (1 - interpolated);
  });
}
