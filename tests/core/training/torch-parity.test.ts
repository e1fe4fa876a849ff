import { expect, it } from 'vitest';
import { estimateAdvantages } from '../../../core/algorithms.js';
import { PolicyTrainer } from '../../../core/trainer.js';
import type { ActorUpdateOptions, Metrics, TrainSequence } from '../../../core/types.js';
import { advantagesIn } from '../../helpers/estimated.js';
import { expectClose } from '../../helpers/expect-close.js';
import { withBackends } from '../../helpers/gradient.js';
import { type SavedModel, savedModel, type ValuesByName } from '../../helpers/saved-trainer.js';
import { scoredMember } from '../../helpers/scored-members.js';
import { never, tinyUpdate } from '../../helpers/tiny-policy.js';
import { openTorchPolicy, torchSteps } from '../../helpers/torch-steps.js';

const { options, groups, steps } = torchSteps;
const { clipRatioLow, clipRatioHigh, clipRatioC, eps: _, ...optimizer } = options;
const members = groups.flatMap((group, index) => group.map((member) => ({ ...member, group: index })));
const update: ActorUpdateOptions = {
  ...tinyUpdate,
  ...optimizer,
  policyLoss: { name: 'vanilla', clipRatioLow, clipRatioHigh, clipRatioC },
  klLossType: 'low_var_kl',
};

/** As a share of a tensor's largest magnitude; and of new weights, wherever the gradient is large enough to say which way they go. */
const tolerance = 1e-5;
const gradientThatSaysTheWay = 1e-4;

interface Step extends SavedModel {
  readonly metrics: Metrics;
}

it('GRPO makes the advantages that PyTorch made', () => {
  const scored = groups.map((group) => group.map(({ reward, mask }) => scoredMember(reward, [mask])));
  const estimates = estimateAdvantages({ name: 'grpo', normAdvByStdInGrpo: true }, scored);
  const expected = members.flatMap(({ advantages }) => advantages);
  expectClose(advantagesIn(estimates), expected, { relative: 1e-5, absolute: 1e-6 });
});

withBackends(() => {
  it.each([
    ['in one forward pass', 4096],
    ['in passes of a sequence each', 1],
  ])('two steps %s are those of PyTorch: loss, gradients, moments, weights', async (_, ppoMaxTokenLenPerGpu) => {
    using policy = openTorchPolicy();
    using trainer = new PolicyTrainer(policy);
    let before: SavedModel | undefined;
    for (const [i, expected] of steps.entries()) {
      const metrics = await trainer.update(trainSequences(), { ...update, ppoMaxTokenLenPerGpu }, never);
      const step: Step = { metrics, ...(await savedModel(trainer)) };
      expectLoss(step.metrics, expected);
      expectTensors(step.first, expected.first, `first moment, step ${i}`);
      expectTensors(step.second, expected.second, `second moment, step ${i}`);
      expectTensors(clippedGradient(step, before), clipped(expected), `gradient, step ${i}`);
      expectWeights(step.weights, expected);
      before = step;
    }
  });
});

function trainSequences(): TrainSequence[] {
  return members.map(({ reward: _, ...sequence }) => sequence);
}

function expectLoss(metrics: Metrics, expected: (typeof steps)[number]): void {
  const near = { relative: tolerance, absolute: 0 };
  const { klLossCoef, entropyCoeff } = options;
  const [pgLoss = 0, klLoss = 0, entropy = 0, gradNorm = 0] = ['pg_loss', 'kl_loss', 'entropy', 'grad_norm'].map(
    (name) => metrics[`actor/${name}`] ?? Number.NaN,
  );
  expectClose([pgLoss, klLoss, entropy], [expected.pgLoss, expected.klLoss, expected.entropy], near, 'parts');
  expectClose([pgLoss + klLossCoef * klLoss - entropyCoeff * entropy], [expected.loss], near, 'loss');
  expectClose([gradNorm], [expected.gradNorm], near, 'gradient norm');
}

/** What the step added to the first moments, before its factor 1 - β1. */
function clippedGradient({ first }: SavedModel, before: SavedModel | undefined): ValuesByName {
  const [beta1] = options.betas;
  const added = (name: string, value: number, i: number): number =>
    (value - beta1 * (before?.first.get(name)?.[i] ?? 0)) / (1 - beta1);
  return new Map([...first].map(([name, values]) => [name, values.map((value, i) => added(name, value, i))]));
}

function clipped({ gradients, gradNorm }: (typeof steps)[number]): { [name: string]: number[] } {
  const scale = options.gradClip / (gradNorm + 1e-6);
  return Object.fromEntries(Object.entries(gradients).map(([name, values]) => [name, values.map((x) => x * scale)]));
}

function expectTensors(actual: ValuesByName, expected: { readonly [name: string]: number[] }, what: string): void {
  expect([...actual.keys()].sort()).toEqual(Object.keys(expected).sort());
  for (const [name, values] of Object.entries(expected)) {
    const absolute = tolerance * largest(values);
    expectClose(actual.get(name) ?? [], values, { relative: 0, absolute }, `${what} of ${name}`);
  }
}

function expectWeights(actual: ValuesByName, { weights, gradients }: (typeof steps)[number]): void {
  for (const [name, values] of Object.entries(weights)) {
    const gradient = gradients[name] ?? [];
    const isSure = (_: number, i: number) => Math.abs(gradient[i] ?? 0) > gradientThatSaysTheWay * largest(gradient);
    const [ours, theirs] = [[...(actual.get(name) ?? [])].filter(isSure), values.filter(isSure)];
    expect(theirs.length).toBeGreaterThan(0.9 * values.length);
    expectClose(ours, theirs, { relative: 0, absolute: tolerance }, `new weights of ${name}`);
  }
}

function largest(values: readonly number[]): number {
  return values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
}
