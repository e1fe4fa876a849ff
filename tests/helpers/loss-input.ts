import * as tf from '@tensorflow/tfjs-core';
import type { PolicyLossInput } from '../../core/losses/policy-loss.js';

type Given = Pick<PolicyLossInput, 'logProbs'> & Partial<PolicyLossInput>;

/** A loss's input of one sequence unless said otherwise; what is left out is neutral: ratio 1, advantage 1, weight 1, on-policy. */
export function lossInput({ logProbs, ...given }: Given): PolicyLossInput {
  const count = logProbs.size;
  return {
    logProbs,
    oldLogProbs: given.oldLogProbs ?? tf.clone(logProbs),
    advantages: given.advantages ?? tf.ones([count]),
    segments: given.segments ?? tf.zeros([count], 'int32'),
    segmentCount: given.segmentCount ?? 1,
    isOffPolicy: given.isOffPolicy ?? tf.zeros([count]),
    rolloutIsWeights: given.rolloutIsWeights ?? tf.ones([count]),
    prepared: given.prepared ?? tf.zeros([count]),
  };
}
