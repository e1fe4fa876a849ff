import { expect, test } from 'vitest';
import { bradleyTerry } from '../../../core/reward-models/bradley-terry.js';
import { expectClose } from '../../helpers/expect-close.js';

/** Two groups: margins 1 (right) and -0.5 (wrong). */
const two = [
  { score: 2, group: 0, outcome: 1 },
  { score: 1, group: 0, outcome: 0 },
  { score: 0.25, group: 7, outcome: 0 },
  { score: -0.25, group: 7, outcome: 1 },
];
const near = { relative: 1e-5, absolute: 1e-6 };

test('the loss is the mean over pairs of -log σ of the margin', () => {
  const { loss, accuracy, margin, pairs } = bradleyTerry(two);
  // (log(1 + e^-1) + log(1 + e^0.5)) / 2
  expectClose([loss], [(0.3132616875 + 0.974076984) / 2], near);
  expect({ accuracy, margin, pairs }).toEqual({ accuracy: 0.5, margin: 0.25, pairs: 2 });
});

test('slopes are the derivatives of the loss by each score', () => {
  const ranked = [...two, { score: 0.3, group: 0, outcome: 0.5 }];
  const h = 1e-4;
  const lossAt = (moved: number, by: number): number =>
    bradleyTerry(ranked.map((one, i) => (i === moved ? { ...one, score: one.score + by } : one))).loss;
  const slopes = ranked.map((_, i) => (lossAt(i, h) - lossAt(i, -h)) / (2 * h));
  expectClose(bradleyTerry(ranked).slopes, slopes, { relative: 1e-6, absolute: 1e-8 });
});

test('of a ranking every pair is compared, of equals none', () => {
  const group = [3, 1, 2, 2].map((outcome) => ({ score: outcome, group: 0, outcome }));
  expect(bradleyTerry(group)).toMatchObject({ pairs: 5, accuracy: 1 });
});

test('sequences of different groups are not compared', () => {
  const alone = two.map((one, group) => ({ ...one, group }));
  expect(bradleyTerry(alone)).toEqual({ loss: 0, slopes: [0, 0, 0, 0], pairs: 0, accuracy: 0, margin: 0 });
  expect(bradleyTerry([])).toEqual({ loss: 0, slopes: [], pairs: 0, accuracy: 0, margin: 0 });
});

test('margins far apart give finite losses and slopes', () => {
  const far = two.map((one) => ({ ...one, score: one.score * 1e4 }));
  const { loss, slopes } = bradleyTerry(far);
  expectClose([loss], [2500], near);
  expectClose(slopes, [0, 0, 0.5, -0.5], near);
});
