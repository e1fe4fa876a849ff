import type { ActorUpdateOptions, OptimizerPasses, PassLimit } from '../types.js';

type Optimizer = Pick<OptimizerPasses, 'lr' | 'weightDecay' | 'betas' | 'gradClip'>;

/** An update towards demonstrations: maximum likelihood, the mean over tokens, one pass in the order given, nothing beside. */
export function supervisedOptions(
  ppoMiniBatchSize: number,
  limit: PassLimit,
  optimizer: Optimizer,
): ActorUpdateOptions {
  return {
    model: 'actor',
    policyLoss: { name: 'sft' },
    lossAggMode: 'token-mean',
    lossScaleFactor: 1,
    entropyCoeff: 0,
    klLossCoef: 0,
    klLossType: 'low_var_kl',
    vfCoef: 0,
    cliprangeValue: 0.5,
    ppoEpochs: 1,
    ppoMiniBatchSize,
    shuffle: false,
    seed: 0,
    temperature: 1,
    ...limit,
    ...optimizer,
  };
}
