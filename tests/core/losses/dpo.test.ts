import { expect, test } from 'vitest';
import { dpoMetrics, dpoSettings, prepareDpo } from '../../../core/losses/dpo.js';
import { expectClose } from '../../helpers/expect-close.js';
import { miniBatchOf } from '../../helpers/prepared-mini-batch.js';

const settings = dpoSettings.parse({ name: 'dpo', dpoBeta: 0.5 });
const near = { relative: 1e-5, absolute: 1e-6 };

/** Two tasks; log-ratios to the reference are 1, -1 (chosen better) and -0.4, 0.2 (rejected better). */
const two = {
  logProbs: [-1, -2, -3, -1, -1.4, -0.8],
  refLogProbs: [-1.5, -2.5, -2, -1, -1, -1],
  advantages: [1, 1, -1, -1, 1, -1],
  lengths: [2, 2, 1, 1],
  groups: [3, 3, 8, 8],
} as const;
const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));

test('the loss is the mean over pairs of -log σ of β times the margin', () => {
  const metrics = dpoMetrics(miniBatchOf(two), settings);
  const expected = -(Math.log(sigmoid(0.5 * 2)) + Math.log(sigmoid(0.5 * -0.6))) / 2;
  expectClose([metrics['actor/dpo_loss']!], [expected], near);
  expect(metrics['actor/dpo_accuracy']).toBe(0.5);
});

test('slopes are the derivatives of that loss by each log-prob', () => {
  const h = 2 ** -7;
  const lossAt = (token: number, moved: number): number => {
    const logProbs = two.logProbs.map((value, i) => (i === token ? value + moved : value));
    return dpoMetrics(miniBatchOf({ ...two, logProbs }), settings)['actor/dpo_loss']!;
  };
  const slopes = two.logProbs.map((_, i) => (lossAt(i, h) - lossAt(i, -h)) / (2 * h));
  expectClose(prepareDpo(miniBatchOf(two), settings), slopes, { relative: 1e-4, absolute: 1e-5 });
});

test('every chosen sequence of a task is paired with every rejected one', () => {
  const three = { logProbs: [0, 0, 0], refLogProbs: [0, 0, 0], advantages: [1, -1, -1], lengths: [1, 1, 1] };
  expectClose(prepareDpo(miniBatchOf(three), settings), [-0.25, 0.125, 0.125], near);
});

test('a task with one kind of sequence teaches nothing', () => {
  const miniBatch = miniBatchOf({ ...two, groups: [0, 1, 2, 3] });
  expect([...prepareDpo(miniBatch, settings)]).toEqual([0, 0, 0, 0, 0, 0]);
  expect(dpoMetrics(miniBatch, settings)).toEqual({});
});

test('margins far apart give finite slopes and losses', () => {
  const miniBatch = miniBatchOf({ ...two, logProbs: [-1e4, -1e4, 0, 0, 0, -1e4] });
  expectClose(prepareDpo(miniBatch, settings), [-0.25, -0.25, 0.25, 0.25, 0, 0], near);
  expect(Number.isFinite(dpoMetrics(miniBatch, settings)['actor/dpo_loss'])).toBe(true);
});

test('log-probs of the reference policy are demanded', () => {
  const { refLogProbs: _, ...without } = two;
  expect(() => prepareDpo(miniBatchOf(without), settings)).toThrow('log-ratio of token 0 to the reference policy');
});
