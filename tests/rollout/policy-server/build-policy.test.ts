import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, expect, test } from 'vitest';
import { ConfigError } from '../../../core/errors.js';
import { useBackend } from '../../../core/tensor/backend.js';
import { buildPolicy } from '../../../rollout/policy-server/build-policy.js';
import { policyServerConfig } from '../../../rollout/policy-server/config.js';
import { detectedBackend } from '../../helpers/backend.js';
import { comparisons, rewardModelUpdate, scoresOf } from '../../helpers/comparisons.js';
import { never, openTinyPolicy, temporaryDirectory, tinyModel, vocabSize } from '../../helpers/tiny-policy.js';

const config = policyServerConfig.parse({ backend: detectedBackend, model: tinyModel, vocabSize, seed: 1 });

beforeAll(async () => {
  await useBackend(detectedBackend);
});

test('a served policy scores with the reward model of its directory, and disposing it leaves no tensor', async () => {
  await using directory = await temporaryDirectory();
  const before = tf.memory().numTensors;
  let expected: readonly number[];
  {
    using tiny = openTinyPolicy(2);
    await tiny.trainer.update(comparisons(2), { ...rewardModelUpdate, lr: 0.1 }, never);
    await tiny.trainer.save(directory.path, never);
    expected = await scoresOf(tiny.trainer, comparisons(2));
  }
  {
    await using policy = await buildPolicy({ ...config, rewardModelPath: directory.path }, never);
    expect(await scoresOf(policy.trainer, comparisons(2))).toEqual(expected);
  }
  expect(new Set(expected).size).toBe(4);
  expect(tf.memory().numTensors).toBe(before);
});

test('a directory without a reward model is a ConfigError that leaves no tensor', async () => {
  const before = tf.memory().numTensors;
  await expect(buildPolicy({ ...config, rewardModelPath: '/nowhere' }, never)).rejects.toBeInstanceOf(ConfigError);
  expect(tf.memory().numTensors).toBe(before);
});
