import { describe, expect, it } from 'vitest';
import { Policy } from '../../../core/model/policy.js';
import { PolicyTrainer } from '../../../core/trainer.js';
import type { ActorUpdateOptions, CriticUpdateOptions, Trainer, TrainSequence } from '../../../core/types.js';
import { expectClose } from '../../helpers/expect-close.js';
import { withBackends } from '../../helpers/gradient.js';
import { firstGradient, flat, savedModel } from '../../helpers/saved-trainer.js';
import { never, tinyModel, tinyUpdate, tokensOf, vocabSize, weightValues } from '../../helpers/tiny-policy.js';

const { policyLoss: _, entropyCoeff: __, klLossCoef: ___, klLossType: ____, ...passes } = tinyUpdate;
const critic: CriticUpdateOptions = { ...passes, model: 'critic', cliprangeValue: 100, weightDecay: 0, gradClip: 1e9 };
const still: CriticUpdateOptions = { ...critic, lr: 0 };
const options = { columns: ['values'] as const, temperature: 1, ppoMaxTokenLenPerGpu: 128 };

/** Sequences whose returns differ from token to token. */
const batch: TrainSequence[] = [9, 14].map((length, i) => {
  const mask = Array.from({ length }, (_, t) => (t > 1 && t % 4 !== 3 ? 1 : 0));
  const returns = mask.map((bit, t) => bit * (Math.sin(t + i) + 0.5));
  return {
    tokens: tokensOf(length, 'critic', i),
    mask,
    logprobs: mask.map(() => -3),
    advantages: mask.map((bit) => bit * (i === 0 ? 1 : -0.5)),
    values: mask.map(() => 0),
    returns,
  };
});

function open(criticTrunk: 'own' | 'shared'): { policy: Policy; trainer: PolicyTrainer } & Disposable {
  const policy = Policy.fresh(tinyModel, vocabSize, 1);
  const trainer = new PolicyTrainer(policy, { criticTrunk });
  const dispose = () => {
    trainer[Symbol.dispose]();
    policy[Symbol.dispose]();
  };
  return { policy, trainer, [Symbol.dispose]: dispose };
}

async function valuesOf(trainer: Trainer): Promise<number[]> {
  const { values = [] } = await trainer.infer(batch, options, never);
  return values.flatMap((row, s) => row.filter((_, t) => batch[s]?.mask[t] === 1));
}

async function lossOf(trainer: Trainer): Promise<number> {
  return (await trainer.update(batch, still, never))['critic/vf_loss'] ?? Number.NaN;
}

/** Enough steps that the head, which begins at 0, lets gradients through. */
async function warmUp(trainer: Trainer, steps = 3): Promise<void> {
  for (let step = 0; step < steps; step++) await trainer.update(batch, { ...critic, lr: 0.03 }, never);
}

const sampledReturns = batch.flatMap(({ mask, returns = [] }) => returns.filter((_, t) => mask[t] === 1));

withBackends(() => {
  describe('a critic on a trunk of its own', () => {
    it('begins with values of 0, and its loss is half the mean square of the returns', async () => {
      using tiny = open('own');
      expect(new Set(await valuesOf(tiny.trainer))).toEqual(new Set([0]));
      const expected = sampledReturns.reduce((sum, value) => sum + value ** 2, 0) / sampledReturns.length / 2;
      expect(await lossOf(tiny.trainer)).toBeCloseTo(expected, 5);
    });

    // One step of plain descent along a small, exactly known direction: with β1 = β2 = 0 AdamW moves every weight by lr times the sign.
    it('descends the slope that finite differences show, in every weight', async () => {
      using tiny = open('own');
      await warmUp(tiny.trainer);
      const lr = 2e-5;
      const before = await lossOf(tiny.trainer);
      await tiny.trainer.update(batch, { ...critic, betas: [0, 0], lr }, never);
      const { first } = await savedModel(tiny.trainer, 'critic');
      const predicted = -lr * flat(first).reduce((sum, slope) => sum + Math.abs(slope), 0);
      expect(predicted).toBeLessThan(-1e-4);
      expect(((await lossOf(tiny.trainer)) - before) / predicted).toBeCloseTo(1, 1);
      for (const [name, slopes] of first) expect([name, slopes.some((slope) => slope !== 0)]).toEqual([name, true]);
    });

    it('learns returns of a toy batch, and leaves the policy and its optimizer alone', async () => {
      using tiny = open('own');
      const before = await weightValues(tiny.policy);
      await warmUp(tiny.trainer, 60);
      expectClose(await valuesOf(tiny.trainer), sampledReturns, { relative: 0, absolute: 0.3 });
      expect(await lossOf(tiny.trainer)).toBeLessThan(0.01);
      expect(await weightValues(tiny.policy)).toEqual(before);
      const actor = await savedModel(tiny.trainer);
      expect(flat(actor.first).every((moment) => moment === 0)).toBe(true);
      expect(tiny.policy.version).toBe(0);
    });

    it('wins nothing by moving further than cliprangeValue', async () => {
      using tiny = open('own');
      await warmUp(tiny.trainer, 30);
      const clipped = await tiny.trainer.update(batch, { ...still, cliprangeValue: 1e-6 }, never);
      expect(clipped['critic/vf_clipfrac']).toBeGreaterThan(0.8);
      const expected = sampledReturns.reduce((sum, value) => sum + value ** 2, 0) / sampledReturns.length / 2;
      expect(clipped['critic/vf_loss']).toBeCloseTo(expected, 3);
    });

    it('has the same gradient in one forward pass as in many', async () => {
      const gradients = [];
      for (const ppoMaxTokenLenPerGpu of [128, 1]) {
        using tiny = open('own');
        await tiny.trainer.update(batch, { ...still, ppoMaxTokenLenPerGpu }, never);
        gradients.push(flat(await firstGradient(tiny.trainer, 'critic')));
      }
      expectClose(gradients[1] ?? [], gradients[0] ?? [], { relative: 1e-5, absolute: 1e-6 });
    });
  });

  describe('a critic on the policy’s trunk', () => {
    const joint: ActorUpdateOptions = { ...tinyUpdate, gradClip: 1e9, lr: 0, cliprangeValue: 100 };

    it('updates its head alone when it is updated alone', async () => {
      using tiny = open('shared');
      const before = await weightValues(tiny.policy);
      await warmUp(tiny.trainer);
      const { weights } = await savedModel(tiny.trainer, 'critic');
      expect([...weights.keys()]).toEqual(['score.weight']);
      expect(flat(weights).some((value) => value !== 0)).toBe(true);
      expect(await weightValues(tiny.policy)).toEqual(before);
    });

    it('adds vfCoef times its gradient to the policy’s, in trunk and head', async () => {
      const trunk: { [vfCoef: number]: number[] } = {};
      const heads: number[] = [];
      for (const vfCoef of [0, 0.5, 2]) {
        using tiny = open('shared');
        await warmUp(tiny.trainer, 5);
        const before = await savedModel(tiny.trainer, 'critic');
        await tiny.trainer.update(batch, { ...joint, vfCoef }, never);
        trunk[vfCoef] = flat(await firstGradient(tiny.trainer));
        const after = await savedModel(tiny.trainer, 'critic');
        const decayed = flat(before.first).map((value) => (vfCoef === 0 ? value : 0.9 * value));
        heads.push(Math.hypot(...flat(after.first).map((value, i) => value - (decayed[i] ?? 0))));
      }
      const [none = [], half = [], two = []] = [trunk[0], trunk[0.5], trunk[2]];
      const expected = none.map((value, i) => value + 4 * ((half[i] ?? 0) - value));
      expect(Math.hypot(...two.map((value, i) => value - (none[i] ?? 0)))).toBeGreaterThan(0.01);
      expectClose(two, expected, { relative: 1e-3, absolute: 1e-5 });
      expect(heads[0]).toBe(0);
      expect((heads[2] ?? 0) / (heads[1] ?? 1)).toBeCloseTo(4, 3);
    });

    it('trains trunk and head in the policy’s update, and that makes its loss smaller', async () => {
      using tiny = open('shared');
      const before = await lossOf(tiny.trainer);
      for (let step = 0; step < 30; step++) {
        await tiny.trainer.update(batch, { ...joint, lr: 0.01, gradClip: 1, vfCoef: 1 }, never);
      }
      expect(await lossOf(tiny.trainer)).toBeLessThan(before / 2);
    });
  });
});
