import { algorithmConfig } from '../../core/algorithm-config.js';
import { criticConfig } from '../../core/critic-config.js';
import { type Experience, type ExperienceParts, makeExperience } from '../../core/experience/make-experience.js';
import { optimizerConfig, optimizerOptions } from '../../core/schedule.js';
import { Stopwatch } from '../../core/stopwatch.js';
import type { InferOptions, TrainSequence, TrajectoryGroup } from '../../core/types.js';
import { never } from './tiny-policy.js';

/** A trainer that must not be asked. */
const silent: ExperienceParts['trainer'] = {
  infer: async (_: readonly Pick<TrainSequence, 'tokens' | 'mask'>[], { columns }: InferOptions) => {
    throw new Error(`asked for ${columns}`);
  },
  update: async () => {
    throw new Error('asked for an update');
  },
};

/** What the groups become by the algorithm, as verl has it unless said otherwise, where nothing lies between engine and trainer. */
export async function experienceOf(
  groups: readonly TrajectoryGroup[],
  algorithm: Parameters<typeof algorithmConfig.parse>[0] = {},
  given: Partial<ExperienceParts> = {},
): Promise<Experience> {
  const versions = groups.flatMap(({ outcomes }) =>
    outcomes.flatMap((outcome) =>
      outcome.status === 'scored' ? outcome.trajectory.sequences.flatMap((sequence) => sequence.versions) : [],
    ),
  );
  const parsed = algorithmConfig.parse(algorithm);
  const parts: ExperienceParts = {
    trainer: silent,
    algorithm: parsed,
    critic: criticConfig.parse({}),
    temperature: 1,
    maxResponseTokens: 100,
    version: Math.max(0, ...versions),
    klCoef: parsed.klCtrl.klCoef,
    processRewardPasses: {
      lossAggMode: 'token-mean',
      lossScaleFactor: 1,
      ppoEpochs: 1,
      ppoMiniBatchSize: 64,
      ppoMaxTokenLenPerGpu: 128,
      shuffle: false,
      seed: 0,
      ...optimizerOptions(optimizerConfig.parse({}), 1, 1),
    },
    seed: 0,
    time: new Stopwatch(),
    ...given,
  };
  return makeExperience(groups, parts, never);
}
