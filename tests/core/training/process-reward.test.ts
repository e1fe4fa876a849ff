import { describe, expect, it } from 'vitest';
import type { InferredColumns, ProcessRewardUpdateOptions, Trainer, TrainSequence } from '../../../core/types.js';
import { expectClose } from '../../helpers/expect-close.js';
import { withBackends } from '../../helpers/gradient.js';
import { firstGradient, flat, savedModel } from '../../helpers/saved-trainer.js';
import { never, openTinyPolicy, tinyUpdate, tokensOf, weightValues } from '../../helpers/tiny-policy.js';

const { policyLoss: _, entropyCoeff: __, klLossCoef: ___, klLossType: ____, ...passes } = tinyUpdate;
const beta = 0.5;
const learn: ProcessRewardUpdateOptions = { ...passes, model: 'processReward', beta, lr: 0.01, weightDecay: 0 };
const still: ProcessRewardUpdateOptions = { ...learn, lr: 0, gradClip: 1e9 };

/** Right where the sampled tokens are low ones; the prompts tell nothing. */
async function toyBatch(trainer: Trainer): Promise<TrainSequence[]> {
  const sequences = [0, 1, 1, 0].map((outcome, i): TrainSequence => {
    const sampled = tokensOf(4 + i, 'toy', i).map((token) => (token % 20) + (outcome === 1 ? 0 : 40));
    const tokens = [7, 8, ...sampled, 9];
    const mask = tokens.map((_, t) => (t < 2 || t === tokens.length - 1 ? 0 : 1));
    return { tokens, mask, logprobs: mask.map(() => 0), advantages: mask, outcome };
  });
  const { refLogprobs = [] } = await trainer.infer(sequences, optionsOf('refLogprobs'), never);
  return sequences.map((sequence, i) => ({ ...sequence, refLogprobs: refLogprobs[i] ?? [] }));
}

function optionsOf(column: 'refLogprobs' | 'processLogprobs') {
  return { columns: [column], temperature: 1, ppoMaxTokenLenPerGpu: 128 };
}

/** Mean of -log σ(±β Σ (log π_φ - log π_ref)), in float64. */
function lossByHand(sequences: readonly TrainSequence[], { processLogprobs = [] }: InferredColumns): number {
  const losses = sequences.map(({ mask, refLogprobs = [], outcome = 0 }, i) => {
    const logit = mask.reduce<number>(
      (sum, bit, t) => sum + bit * beta * ((processLogprobs[i]?.[t] ?? 0) - (refLogprobs[t] ?? 0)),
      0,
    );
    return Math.log(1 + Math.exp(outcome === 1 ? -logit : logit));
  });
  return losses.reduce((a, b) => a + b, 0) / losses.length;
}

withBackends(() => {
  describe('the implicit process reward model', () => {
    it('begins as the reference, where the loss is log 2', async () => {
      using tiny = openTinyPolicy();
      const metrics = await tiny.trainer.update(await toyBatch(tiny.trainer), still, never);
      expect(metrics['prm/ce_loss']).toBeCloseTo(Math.log(2), 5);
    });

    it('has the loss that is worked out by hand, sequences without a sampled token left out', async () => {
      using tiny = openTinyPolicy();
      const batch = await toyBatch(tiny.trainer);
      for (let step = 0; step < 2; step++) await tiny.trainer.update(batch, learn, never);
      const expected = lossByHand(batch, await tiny.trainer.infer(batch, optionsOf('processLogprobs'), never));
      const { mask, ...rest } = batch[0]!;
      const more = [...batch, { ...rest, mask: mask.map(() => 0 as const) }];
      const metrics = await tiny.trainer.update(more, still, never);
      expect(expected).toBeLessThan(0.68);
      expectClose([metrics['prm/ce_loss'] ?? Number.NaN], [expected], { relative: 1e-4, absolute: 1e-6 });
    });

    it('descends the slope that finite differences show', async () => {
      using tiny = openTinyPolicy();
      const batch = await toyBatch(tiny.trainer);
      const lr = 1e-5;
      const before = (await tiny.trainer.update(batch, still, never))['prm/ce_loss'] ?? Number.NaN;
      await tiny.trainer.update(batch, { ...learn, lr, betas: [0, 0], gradClip: 1e9 }, never);
      const { first } = await savedModel(tiny.trainer, 'process_reward');
      const predicted = -lr * flat(first).reduce((sum, slope) => sum + Math.abs(slope), 0);
      const after = (await tiny.trainer.update(batch, still, never))['prm/ce_loss'] ?? Number.NaN;
      expect(predicted).toBeLessThan(-1e-4);
      expect((after - before) / predicted).toBeCloseTo(1, 1);
    });

    it('learns to tell right from wrong, and leaves policy and reference alone', async () => {
      using tiny = openTinyPolicy();
      const batch = await toyBatch(tiny.trainer);
      const before = await weightValues(tiny.policy);
      let accuracy = Number.NaN;
      for (let step = 0; step < 12; step++) {
        accuracy = (await tiny.trainer.update(batch, learn, never))['prm/accuracy'] ?? Number.NaN;
        if (step === 0) expect(accuracy).toBeLessThan(1);
      }
      expect(accuracy).toBe(1);
      expect(await weightValues(tiny.policy)).toEqual(before);
      const { refLogprobs } = await tiny.trainer.infer(batch, optionsOf('refLogprobs'), never);
      expect(refLogprobs).toEqual(batch.map((sequence) => sequence.refLogprobs));
    });

    it('has the same gradient in one forward pass as in many', async () => {
      const gradients = [];
      for (const ppoMaxTokenLenPerGpu of [128, 1]) {
        using tiny = openTinyPolicy();
        await tiny.trainer.update(await toyBatch(tiny.trainer), { ...still, ppoMaxTokenLenPerGpu }, never);
        gradients.push(flat(await firstGradient(tiny.trainer, 'process_reward')));
      }
      expect(gradients[0]?.some((slope) => Math.abs(slope) > 1e-3)).toBe(true);
      expectClose(gradients[1] ?? [], gradients[0] ?? [], { relative: 1e-4, absolute: 1e-6 });
    });
  });
});
