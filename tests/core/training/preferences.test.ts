import { describe, expect, it } from 'vitest';
import type { ActorUpdateOptions, Trainer, TrainSequence } from '../../../core/types.js';
import { withBackends } from '../../helpers/gradient.js';
import { flat, savedModel } from '../../helpers/saved-trainer.js';
import { never, openTinyPolicy, sampleEpisodes, type TinyPolicy, tinyUpdate } from '../../helpers/tiny-policy.js';

const [beta, eta] = [0.5, 2];
const dpo: ActorUpdateOptions = { ...tinyUpdate, policyLoss: { name: 'dpo', dpoBeta: beta }, ppoMaxTokenLenPerGpu: 1 };
const sppo: ActorUpdateOptions = { ...dpo, policyLoss: { name: 'sppo', sppoEta: eta } };
const lr = 1e-5;

/** Two tasks of two episodes, of which one was better; reference and old log-probs lie beside the policy's. */
async function pairs({ sampler }: TinyPolicy): Promise<TrainSequence[]> {
  return (await sampleEpisodes(sampler, 4)).map((sequence, i) => ({
    ...sequence,
    group: i >> 1,
    logprobs: sequence.logprobs.map((logprob, t) => logprob + 0.1 * Math.sin(t + i)),
    refLogprobs: sequence.logprobs.map((logprob, t) => logprob + 0.2 * Math.cos(t + i)),
  }));
}

/** Sums over each sequence of log π - log π_other, in float64. */
async function logRatios(
  trainer: Trainer,
  batch: readonly TrainSequence[],
  other: 'logprobs' | 'refLogprobs',
): Promise<number[]> {
  const { logprobs = [] } = await trainer.infer(
    batch,
    { columns: ['logprobs'], temperature: 1, ppoMaxTokenLenPerGpu: 128 },
    never,
  );
  return batch.map((sequence, i) =>
    sequence.mask.reduce<number>(
      (sum, bit, t) => sum + bit * ((logprobs[i]?.[t] ?? 0) - (sequence[other]?.[t] ?? 0)),
      0,
    ),
  );
}

/** Mean of -log σ(β (chosen - rejected)) over the two pairs. */
async function dpoLoss(trainer: Trainer, batch: readonly TrainSequence[]): Promise<number> {
  const [a = 0, b = 0, c = 0, d = 0] = await logRatios(trainer, batch, 'refLogprobs');
  return (Math.log1p(Math.exp(-beta * (a - b))) + Math.log1p(Math.exp(-beta * (c - d)))) / 2;
}

/** Mean of (log-ratio - η advantage)² over sequences; every other one has the advantage 1, the rest -0.5. */
async function sppoLoss(trainer: Trainer, batch: readonly TrainSequence[]): Promise<number> {
  const ratios = await logRatios(trainer, batch, 'logprobs');
  const squares = ratios.map((ratio, i) => (ratio - eta * (i % 2 === 0 ? 1 : -0.5)) ** 2);
  return squares.reduce((a, b) => a + b, 0) / squares.length;
}

withBackends(() => {
  describe.each([
    ['dpo', dpo, dpoLoss],
    ['sppo', sppo, sppoLoss],
  ] as const)('%s', (_, options, trueLoss) => {
    // With β1 = β2 = 0 AdamW moves every weight by lr times the sign of its slope: the loss falls by lr times the sum of the slopes.
    it('descends the slope of its true loss, whatever fits into a forward pass', async () => {
      using tiny = openTinyPolicy();
      const batch = await pairs(tiny);
      const before = await trueLoss(tiny.trainer, batch);
      const plain = { ...options, betas: [0, 0], lr, weightDecay: 0, gradClip: 1e9 } as const;
      const metrics = await tiny.trainer.update(batch, plain, never);
      const slopes = flat((await savedModel(tiny.trainer)).first);
      const predicted = -lr * slopes.reduce((sum, slope) => sum + Math.abs(slope), 0);
      const change = (await trueLoss(tiny.trainer, batch)) - before;
      expect(predicted).toBeLessThan(-2e-5);
      expect(change / predicted).toBeCloseTo(1, 1);
      expect(metrics['actor/dpo_loss'] ?? metrics['actor/pg_loss']).toBeCloseTo(before, 4);
    });

    it('lowers that loss in a few steps', async () => {
      using tiny = openTinyPolicy();
      const batch = await pairs(tiny);
      const before = await trueLoss(tiny.trainer, batch);
      for (let step = 0; step < 5; step++) await tiny.trainer.update(batch, { ...options, lr: 2e-3 }, never);
      expect(await trueLoss(tiny.trainer, batch)).toBeLessThan(before);
    });
  });

  it('DPO keeps the pairs of a task in one mini-batch', async () => {
    using tiny = openTinyPolicy();
    const batch = await pairs(tiny);
    const metrics = await tiny.trainer.update(batch, { ...dpo, lr: 0, ppoMiniBatchSize: 3 }, never);
    expect(metrics['actor/dpo_loss']).toBeCloseTo(await dpoLoss(tiny.trainer, batch), 4);
  });
});
