import { beforeAll, describe, expect, it } from 'vitest';
import { advantageEstimatorSettings, policyLossSettings } from '../../core/algorithms.js';
import { useBackend } from '../../core/tensor/backend.js';
import type { TrajectoryGroup } from '../../core/types.js';
import { detectedBackend } from '../helpers/backend.js';
import { weightValues } from '../helpers/tiny-policy.js';
import { collectTiny, openTinyHouse, runTiny, type TinyRunOptions } from '../helpers/tiny-run.js';

beforeAll(async () => {
  await useBackend(detectedBackend);
});

/** Settings without a default, and what a row makes sense with. */
const estimators: { readonly [name: string]: object } = { gdpo: { gdpoRewardKeys: ['checksum'] } };
const partners: { readonly [loss: string]: string } = { dpo: 'best_vs_worst', sppo: 'win_rate', sft: 'best_of_n' };

/** Two steps of the real loop; every task has a greedy episode's reward. */
async function learns(algorithm: object, given: Partial<TinyRunOptions> = {}): Promise<void> {
  await using house = openTinyHouse();
  const before = await weightValues(house.tiny.policy);
  async function* collect({ step }: { step: number }, signal: AbortSignal): AsyncGenerator<TrajectoryGroup> {
    const groups = collectTiny(house, { step, firstTask: 2 * step, count: 2 }, signal);
    for await (const group of groups) yield { ...group, greedyReward: 0.5 };
  }
  const { error, metrics } = await runTiny(house, { totalTrainingSteps: 2, parts: { collect }, algorithm, ...given });
  expect(error).toBeUndefined();
  expect(metrics).toHaveLength(2);
  for (const [name, value] of Object.entries(metrics[1]!)) expect([name, Number.isFinite(value)]).toEqual([name, true]);
  expect(metrics[1]!['actor/grad_norm']).toBeGreaterThan(0);
  expect(await weightValues(house.tiny.policy)).not.toEqual(before);
}

describe('the loop with estimator', () => {
  const names = advantageEstimatorSettings.options.map(({ shape }) => shape.name.value);
  it.each(names)('%s changes the weights and reports finite numbers', async (name) => {
    await learns({ advEstimator: { name, ...estimators[name] } });
  });
});

describe('the loop with loss', () => {
  const names = policyLossSettings.options.map(({ shape }) => shape.name.value);
  it.each(names)('%s changes the weights and reports finite numbers', async (name) => {
    await learns({ policyLoss: { name }, advEstimator: { name: partners[name] ?? 'grpo' } });
  });
});

describe('the loop with', () => {
  const gae = { advEstimator: { name: 'gae' } };
  it.each([
    ['a critic on the policy itself', gae, { critic: { trunk: 'shared' } }],
    ['KL in the reward, adaptive', { useKlInReward: true, klCtrl: { type: 'adaptive' } }, {}],
    ['KL in the loss and an entropy bonus', { useKlLoss: true, klLossType: 'k3+', entropyCoeff: 0.01 }, {}],
    ['adaptive entropy', { adaptiveEntropy: { enable: true, targetEntropy: 9 } }, {}],
    ['resampled trajectories', { ...gae, usePfPpo: true }, {}],
    ['importance weights and rejection', { rolloutCorrection: { preset: 'decoupled_seq_is_rs' } }, {}],
    ['the bypass', { rolloutCorrection: { preset: 'bypass_ppo_clip' } }, {}],
    ['the bypass and REINFORCE', { rolloutCorrection: { preset: 'bypass_pg_is' } }, {}],
    ['several shuffled passes', { ppoEpochs: 2, shuffle: true }, {}],
    ['groups filtered', { filterGroups: { name: 'dapo', maxNumGenBatches: 2 } }, {}],
  ] as const)('%s changes the weights and reports finite numbers', async (_, algorithm, given) => {
    await learns(algorithm, given);
  });
});
