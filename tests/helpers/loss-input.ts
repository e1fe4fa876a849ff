import * as tf from '@tensorflow/tfjs-core';
import type { PolicyLossInput } from '../../core/losses/policy-loss.js';

type Given = Pick<PolicyLossInput, 'logProbs'> & Partial<PolicyLossInput>;

/** A loss's input of one sequence unless said otherwise; what is left out is neutral: ratio 1, advantage 1, weight 1, on-policy. */
export function lossInput({ logProbs, ...given }: Given): PolicyLossInput {
  const count = logProbs.size;
  return {
    logProbs,
    oldLogProbs: tf.clone(logProbs),
    advantages: tf.ones([count]),
    segments: tf.zeros([count], 'int32'),
    segmentCount: 1,
    isOffPolicy: tf.zeros([count]),
    rolloutIsWeights: tf.ones([count]),
    prepared: tf.zeros([count]),
    ...given,
  };
}
