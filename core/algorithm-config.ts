import { z } from 'zod';
import { advantageEstimatorSettings, policyLossSettings } from './algorithms.js';
import { entropyCtrlConfig } from './controllers/entropy-controller.js';
import { klCtrlConfig } from './controllers/kl-controller.js';
import { filterGroupsConfig } from './group-filters/filter-groups.js';
import { lossAggModes } from './losses/aggregate.js';
import { klPenalties } from './losses/kl-penalty.js';
import { pfPpoConfig } from './pf-ppo.js';
import { overlongBufferConfig } from './rewards/overlong.js';
import { rolloutCorrectionConfig } from './rollout-correction/config.js';
import { optimizerConfig } from './schedule.js';

const coefficient = z.number().min(0);

const shape = {
  advEstimator: advantageEstimatorSettings.prefault({ name: 'grpo' }).describe('how rewards become advantages'),
  policyLoss: policyLossSettings.prefault({ name: 'vanilla' }).describe('the loss that advantages weight'),
  lossAggMode: z.enum(lossAggModes).default('token-mean').describe('how token losses become one number'),
  lossScaleFactor: z
    .number()
    .positive()
    .nullable()
    .default(null)
    .describe('what seq-mean-token-sum-norm divides by (Dr. GRPO: a constant); null takes rollout.maxResponseTokens'),
  entropyCoeff: coefficient.default(0).describe('weight of the entropy bonus'),
  adaptiveEntropy: entropyCtrlConfig.prefault({}).describe('entropy bonus only where entropy is low (Skywork-OR1)'),
  useKlLoss: z.boolean().default(false).describe('add the KL divergence from the initial policy to the loss'),
  klLossCoef: coefficient.default(0.001).describe('weight of the KL loss'),
  klLossType: z.enum(klPenalties).default('low_var_kl').describe('estimator of the KL loss'),
  useKlInReward: z.boolean().default(false).describe('take the KL divergence from the initial policy from the rewards'),
  klPenalty: z.enum(klPenalties).default('kl').describe('estimator of the KL in the reward'),
  klCtrl: klCtrlConfig.prefault({}).describe('weight of the KL in the reward'),
  ppoEpochs: z.int().min(1).max(64).default(1).describe('passes over the trajectories of a step'),
  ppoMiniBatchSize: z.int().min(1).default(64).describe('sequences an optimizer step'),
  shuffle: z.boolean().default(false).describe('another order of sequences at each pass'),
  ppoMaxTokenLenPerGpu: z
    .int()
    .min(1)
    .default(16_384)
    .describe('tokens a forward pass, of whole sequences; changes speed and memory only'),
  rolloutCorrection: rolloutCorrectionConfig
    .prefault({})
    .describe('what to do where tokens were sampled by another policy than the one that is trained'),
  filterGroups: filterGroupsConfig
    .prefault({ name: 'none' })
    .describe('which groups are worth training on; others are dropped or sampled anew'),
  overlongBuffer: overlongBufferConfig.prefault({}).describe('soft punishment of long responses (DAPO)'),
  maskTruncated: z.boolean().default(false).describe('do not train on episodes that a budget cut short'),
  baselineIncludesMasked: z
    .boolean()
    .default(true)
    .describe('rewards of episodes of which nothing is trained count in the baseline of their group'),
  baselineIncludesFailed: z
    .boolean()
    .default(false)
    .describe('rollouts that our machinery failed count in the baseline of their group, with reward 0'),
  usePfPpo: z.boolean().default(false).describe('resample trajectories by how far their rewards can be trusted'),
  pfPpo: pfPpoConfig.prefault({}).describe('how they are resampled'),
  offPolicyN: z
    .int()
    .min(0)
    .max(64)
    .default(0)
    .describe("episodes of the environment's teacher put into each group, besides rollout.n (LUFFY)"),
  processReward: z
    .strictObject({
      beta: z.number().positive().default(0.05).describe('scale of its log-ratio to the initial policy'),
      optimizer: optimizerConfig.prefault({}).describe('its optimizer'),
    })
    .prefault({})
    .describe('the implicit process reward model that some estimators train (PRIME)'),
};

/** What a preference loss reads advantages as; other estimators' numbers would mean something else to it. */
const estimatorsOf: { readonly [loss: string]: { readonly names: readonly string[]; readonly remedy: string } } = {
  dpo: {
    names: ['best_vs_worst', 'win_rate'],
    remedy: 'takes positive advantages for chosen and negative ones for rejected; write best_vs_worst or win_rate',
  },
  sppo: { names: ['win_rate'], remedy: 'takes advantages for win rates; write win_rate' },
  sft: {
    names: ['best_of_n'],
    remedy:
      'imitates what has advantage 1; write best_of_n, or gpg as policyLoss.name to follow advantages of any sign',
  },
};

export const algorithmConfig = z.strictObject(shape).superRefine(({ advEstimator, policyLoss }, context) => {
  const wanted = estimatorsOf[policyLoss.name];
  if (wanted === undefined || wanted.names.includes(advEstimator.name)) return;
  const message = `is ${advEstimator.name}, but the policy loss ${policyLoss.name} ${wanted.remedy}`;
  context.addIssue({ code: 'custom', path: ['advEstimator', 'name'], message });
});

export type AlgorithmConfig = z.output<typeof algorithmConfig>;
