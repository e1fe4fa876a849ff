import type { Policy } from '../model/policy.js';

export interface ActivationShape {
  /** Tokens of the longest sequence. */
  readonly longest: number;
  /** Whether kernels keep no scores of attention and no whole row of logits. */
  readonly isFused: boolean;
}

const floatBytes = 4;

/**
 * Bytes that a token of a forward and backward pass takes, roughly and rather too many: what each layer keeps for the gradient (with
 * checkpointing its input alone, and one layer computed again), what the backward pass of one layer holds, the head.
 */
export function activationBytes(
  { config, enableGradientCheckpointing }: Pick<Policy, 'config' | 'enableGradientCheckpointing'>,
  { longest, isFused }: ActivationShape,
): number {
  const { hiddenSize, numHiddenLayers, numAttentionHeads, numKeyValueHeads, headDim, intermediateSize } = config;
  const scores = isFused ? 0 : 4 * numAttentionHeads * longest;
  const layer =
    8 * hiddenSize + 5 * numAttentionHeads * headDim + 6 * numKeyValueHeads * headDim + 4 * intermediateSize + scores;
  const kept = enableGradientCheckpointing ? numHiddenLayers * hiddenSize + layer : numHiddenLayers * layer;
  const head = 6 * hiddenSize + (isFused ? 0 : 4 * config.vocabSize);
  return floatBytes * (kept + layer + head);
}
