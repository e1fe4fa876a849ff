import { expect, test } from 'vitest';
import { learningRate, optimizerConfig } from '../../core/schedule.js';

const totalSteps = 11;

test('warm-up grows in equal parts and reaches the peak on the step after it', () => {
  const config = optimizerConfig.parse({ lr: 0.8, lrWarmupSteps: 3 });
  expect(rates(config, 1, 2, 3, 4, 5)).toEqual(near(0.2, 0.4, 0.6, 0.8, 0.8));
});

test('without warm-up the first step has the whole rate', () => {
  for (const lrScheduler of ['constant', 'linear', 'cosine'])
    expect(rates(optimizerConfig.parse({ lr: 0.5, lrScheduler }), 1)).toEqual([0.5]);
});

test('a constant rate stays to the last step and beyond', () => {
  expect(rates(optimizerConfig.parse({ lr: 0.5 }), 2, 11, 12)).toEqual([0.5, 0.5, 0.5]);
});

test('a linear rate falls in equal parts to lrMinRatio · lr on the last step', () => {
  const config = optimizerConfig.parse({ lr: 1, lrScheduler: 'linear', lrMinRatio: 0.5 });
  expect(rates(config, 1, 2, 6, 11, 12)).toEqual(near(1, 0.95, 0.75, 0.5, 0.5));
});

test('a cosine rate is half way down in the middle and lrMinRatio · lr on the last step', () => {
  const config = optimizerConfig.parse({ lr: 1, lrScheduler: 'cosine', lrMinRatio: 0.2 });
  const quarter = 0.2 + 0.4 * (1 + Math.SQRT1_2);
  expect([learningRate(config, 1, 5), learningRate(config, 2, 5), learningRate(config, 3, 5)]).toEqual(
    near(1, quarter, 0.6),
  );
  expect(rates(config, 11, 99)).toEqual(near(0.2, 0.2));
});

test('decay begins after warm-up', () => {
  const config = optimizerConfig.parse({ lr: 1, lrScheduler: 'linear', lrWarmupSteps: 4 });
  expect(rates(config, 4, 5, 8, 11)).toEqual(near(0.8, 1, 0.5, 0));
});

test('a run of one step, or shorter than its warm-up, has a finite positive rate', () => {
  for (const lrScheduler of ['constant', 'linear', 'cosine']) {
    expect(learningRate(optimizerConfig.parse({ lr: 1, lrScheduler }), 1, 1)).toBe(1);
    expect(learningRate(optimizerConfig.parse({ lr: 1, lrScheduler, lrWarmupSteps: 9 }), 2, 2)).toBeCloseTo(0.2, 12);
  }
});

test.each([{ lr: 0 }, { lr: 2 }, { lrScheduler: 'step' }, { lrWarmupSteps: 1.5 }, { lrMinRatio: 2 }, { gradClip: 0 }])(
  'the config refuses %o',
  (config) => {
    expect(optimizerConfig.safeParse(config).success).toBe(false);
  },
);

test("weight decay and gradient clip default to verl's", () => {
  expect(optimizerConfig.parse({})).toMatchObject({ weightDecay: 0.01, gradClip: 1, lrScheduler: 'constant' });
});

function rates(config: Parameters<typeof learningRate>[0], ...steps: number[]): number[] {
  return steps.map((step) => learningRate(config, step, totalSteps));
}

/** Within 1e-12. */
function near(...values: number[]): unknown[] {
  return values.map((value) => expect.closeTo(value, 12));
}
