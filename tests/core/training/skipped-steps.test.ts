import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { setLogSink } from '../../../core/log.js';
import { withBackends } from '../../helpers/gradient.js';
import { savedModel } from '../../helpers/saved-trainer.js';
import { never, openTinyPolicy, sampleEpisodes, tinyUpdate } from '../../helpers/tiny-policy.js';

const broken = 'model.layers.1.mlp.up_proj.weight';

let lines: string[] = [];
beforeEach(() => {
  lines = [];
  setLogSink((line) => void lines.push(line));
});
afterEach(() => setLogSink());

withBackends(() => {
  it.each([Number.NaN, Number.POSITIVE_INFINITY])(
    'a weight of %d skips the step: weights and moments stay, and the log says where',
    async (bad) => {
      using tiny = openTinyPolicy();
      const sequences = await sampleEpisodes(tiny.sampler, 2);
      await tiny.trainer.update(sequences, tinyUpdate, never);
      const variable = tiny.policy.weights.get(broken);
      const values = Float32Array.from(await variable.data()).fill(bad, 3, 4);
      tf.tidy(() => variable.assign(tf.tensor(values, variable.shape)));
      const before = await savedModel(tiny.trainer);
      const metrics = await tiny.trainer.update(sequences, tinyUpdate, never);
      expect(await savedModel(tiny.trainer)).toEqual(before);
      expect(metrics['actor/skipped_steps']).toBe(1);
      expect(lines).toHaveLength(1);
      expect(lines[0]).toContain(` warn optimizer_step_skipped model=actor reason="the weight ${broken} holds ${bad}"`);
    },
  );

  it('an infinite gradient of sound weights is named too', async () => {
    using tiny = openTinyPolicy();
    const sequences = (await sampleEpisodes(tiny.sampler, 2)).map((sequence) => ({
      ...sequence,
      advantages: sequence.mask.map((bit) => bit * 3e38),
    }));
    const policyLoss = { name: 'gpg' };
    await tiny.trainer.update(sequences, { ...tinyUpdate, policyLoss, lossAggMode: 'token-sum' }, never);
    expect(lines[0]).toMatch(/ reason="the (gradient of model\..+ holds |norm of the gradient overflows)/);
  });

  it('steps that are taken count as 0', async () => {
    using tiny = openTinyPolicy();
    const metrics = await tiny.trainer.update(await sampleEpisodes(tiny.sampler, 2), tinyUpdate, never);
    expect(metrics['actor/skipped_steps']).toBe(0);
    expect(lines).toEqual([]);
  });
});
