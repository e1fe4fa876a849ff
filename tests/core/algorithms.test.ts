import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, expect, test } from 'vitest';
import { algorithmConfig } from '../../core/algorithm-config.js';
import { choosePolicyLoss, estimateAdvantages } from '../../core/algorithms.js';
import { ConfigError } from '../../core/errors.js';
import type { PolicyLossInput } from '../../core/losses/policy-loss.js';
import { useBackend } from '../../core/tensor/backend.js';
import { detectedBackend } from '../helpers/backend.js';
import { read } from '../helpers/gradient.js';
import { lossInput } from '../helpers/loss-input.js';
import { scoredMember } from '../helpers/scored-members.js';

beforeAll(async () => {
  await useBackend(detectedBackend);
});

test("an empty config is verl's: GRPO with deviation, clip 0.2 / 0.2 / 3, token-mean, no entropy bonus, one epoch", () => {
  expect(algorithmConfig.parse({})).toMatchObject({
    advEstimator: { name: 'grpo', normAdvByStdInGrpo: true },
    policyLoss: { name: 'vanilla', clipRatioLow: 0.2, clipRatioHigh: 0.2, clipRatioC: 3 },
    lossAggMode: 'token-mean',
    entropyCoeff: 0,
    ppoEpochs: 1,
  });
});

test('settings left out of a row take their defaults', () => {
  const { policyLoss } = algorithmConfig.parse({ policyLoss: { name: 'vanilla', clipRatioHigh: 0.28 } });
  expect(policyLoss).toEqual({ name: 'vanilla', clipRatioLow: 0.2, clipRatioHigh: 0.28, clipRatioC: 3 });
});

test.each([
  ['an unknown estimator', { advEstimator: { name: 'gae2' } }, 'advEstimator'],
  ['an unknown loss', { policyLoss: { name: 'ppo' } }, 'policyLoss'],
  ['a setting of no loss', { policyLoss: { name: 'vanilla', clipRatio: 0.2 } }, 'policyLoss'],
  ['a dual clip that cuts everything', { policyLoss: { name: 'vanilla', clipRatioC: 1 } }, 'policyLoss.clipRatioC'],
  ['a negative clip', { policyLoss: { name: 'vanilla', clipRatioLow: -0.1 } }, 'policyLoss.clipRatioLow'],
  ['a flag that is no boolean', { advEstimator: { name: 'grpo', normAdvByStdInGrpo: 'yes' } }, 'advEstimator'],
  ['an unknown aggregation', { lossAggMode: 'tokenMean' }, 'lossAggMode'],
  ['no pass over the data', { ppoEpochs: 0 }, 'ppoEpochs'],
  ['a key that does not exist', { clipRatioLow: 0.2 }, ''],
])('the config refuses %s', (_, config, where) => {
  const { success, error } = algorithmConfig.safeParse(config);
  expect(success).toBe(false);
  expect(error?.issues[0]?.path.join('.')).toContain(where);
});

test('an unknown loss is a ConfigError that names the known ones', () => {
  const run = (): unknown => choosePolicyLoss({ name: 'ppo' });
  expect(run).toThrow(ConfigError);
  expect(run).toThrow("unknown policy loss 'ppo'; known: vanilla, ");
});

test('an unknown estimator is a ConfigError that names the known ones', () => {
  const settings = JSON.parse('{"name":"gae2"}');
  expect(() => estimateAdvantages(settings, [])).toThrow(ConfigError);
  expect(() => estimateAdvantages(settings, [])).toThrow("unknown advantage estimator 'gae2'; known: grpo");
});

test('settings reach the loss that is named', () => {
  const lossAt = (clipRatioHigh: number): number[] => {
    const settings = { name: 'vanilla', clipRatioHigh };
    return read(() => choosePolicyLoss(settings).loss(oneToken(-1, -2)).losses);
  };
  expect(lossAt(0.25)).toEqual([-1.25]);
  expect(lossAt(0.5)).toEqual([-1.5]);
});

test('the supervised loss is in the table of the trainer', () => {
  expect(read(() => choosePolicyLoss({ name: 'sft' }).loss(oneToken(-1.5, 0)).losses)).toEqual([1.5]);
});

test('a loss of no tokens is an empty list', () => {
  expect(read(() => choosePolicyLoss({ name: 'vanilla' }).loss(emptyInput()).losses)).toEqual([]);
});

test('settings reach the estimator that is named', () => {
  const groups = [[1, 0].map((reward) => scoredMember(reward))];
  const first = (normAdvByStdInGrpo: boolean): unknown =>
    estimateAdvantages({ name: 'grpo', normAdvByStdInGrpo }, groups)[0]?.[0]?.[0]?.advantages[0];
  expect(first(false)).toBe(0.5);
  expect(first(true)).toBeCloseTo(Math.SQRT1_2, 5);
});

function oneToken(logProb: number, old: number): PolicyLossInput {
  return lossInput({ logProbs: tf.tensor1d([logProb]), oldLogProbs: tf.tensor1d([old]) });
}

function emptyInput(): PolicyLossInput {
  return lossInput({ logProbs: tf.tensor1d([]) });
}
