import { describe, expect, it } from 'vitest';
import type { ActorUpdateOptions, Trainer, TrainSequence } from '../../../core/types.js';
import { expectClose } from '../../helpers/expect-close.js';
import { withBackends } from '../../helpers/gradient.js';
import { firstGradient, flat } from '../../helpers/saved-trainer.js';
import { never, openTinyPolicy, sampleEpisodes, tinyUpdate } from '../../helpers/tiny-policy.js';

const options = { columns: ['logprobs', 'refLogprobs'] as const, temperature: 1, ppoMaxTokenLenPerGpu: 128 };
const withKl: ActorUpdateOptions = { ...tinyUpdate, klLossCoef: 0.5, gradClip: 1e9 };

async function withReference(trainer: Trainer, sequences: readonly TrainSequence[]): Promise<TrainSequence[]> {
  const { refLogprobs = [] } = await trainer.infer(sequences, { ...options, columns: ['refLogprobs'] }, never);
  return sequences.map((sequence, i) => ({ ...sequence, refLogprobs: refLogprobs[i] ?? [] }));
}

withBackends(() => {
  describe('the reference policy', () => {
    it('is the policy when it is first asked for, and stays that', async () => {
      using tiny = openTinyPolicy();
      const sequences = await sampleEpisodes(tiny.sampler, 2);
      await tiny.trainer.update(sequences, { ...tinyUpdate, lr: 0.01 }, never);
      const then = await tiny.trainer.infer(sequences, options, never);
      expect(then.refLogprobs).toEqual(then.logprobs);
      await tiny.trainer.update(sequences, { ...tinyUpdate, lr: 0.01 }, never);
      const now = await tiny.trainer.infer(sequences, options, never);
      expect(now.refLogprobs).toEqual(then.refLogprobs);
      expect(now.logprobs).not.toEqual(then.logprobs);
    });

    it('is at no distance at first: the KL loss is 0, and so is its gradient', async () => {
      using tiny = openTinyPolicy();
      using twin = openTinyPolicy();
      const sequences = await withReference(tiny.trainer, await sampleEpisodes(tiny.sampler, 2));
      const metrics = await tiny.trainer.update(sequences, withKl, never);
      await twin.trainer.update(sequences, { ...withKl, klLossCoef: 0 }, never);
      expect(metrics['actor/kl_loss']).toBeCloseTo(0, 6);
      const [ours, without] = [await firstGradient(tiny.trainer), await firstGradient(twin.trainer)];
      expectClose(flat(ours), flat(without), { relative: 1e-4, absolute: 1e-5 });
    });

    // d k2 / d log π = log π - log π_ref, which is the gradient of REINFORCE with that for an advantage.
    it('pulls by the gradient of the KL’s estimate', async () => {
      using tiny = openTinyPolicy();
      using twin = openTinyPolicy();
      const sampled = await sampleEpisodes(tiny.sampler, 2);
      const quiet = sampled.map(({ advantages, ...sequence }) => ({
        ...sequence,
        advantages: advantages.map(() => 0),
        refLogprobs: sequence.logprobs.map((logprob, t) => logprob - Math.sin(t)),
      }));
      const { klLossCoef } = withKl;
      await tiny.trainer.update(quiet, { ...withKl, klLossType: 'k2' }, never);
      const pulled = quiet.map(({ mask, ...sequence }) => ({
        ...sequence,
        mask,
        advantages: mask.map((bit, t) => bit * -klLossCoef * Math.sin(t)),
      }));
      await twin.trainer.update(pulled, { ...withKl, klLossCoef: 0, policyLoss: { name: 'gpg' } }, never);
      const [ours, expected] = [await firstGradient(tiny.trainer), await firstGradient(twin.trainer)];
      expectClose(flat(ours), flat(expected), { relative: 1e-4, absolute: 1e-5 });
    });
  });
});
