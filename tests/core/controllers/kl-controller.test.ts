import { expect, test } from 'vitest';
import { klCtrlConfig, nextKlCoef } from '../../../core/controllers/kl-controller.js';

const adaptive = klCtrlConfig.parse({ type: 'adaptive' });

test('a fixed coefficient stays', () => {
  expect(nextKlCoef(klCtrlConfig.parse({}), 0.3, { kl: 99, n: 256 })).toBe(0.3);
});

test('twice the target raises the coefficient by a fifth of n / horizon, ten times no more', () => {
  expect(nextKlCoef(adaptive, 0.001, { kl: 0.2, n: 256 })).toBeCloseTo(0.00100512, 12);
  expect(nextKlCoef(adaptive, 0.001, { kl: 1, n: 256 })).toBeCloseTo(0.00100512, 12);
});

test('at the target nothing changes, below it the coefficient falls', () => {
  expect(nextKlCoef(adaptive, 0.5, { kl: 0.1, n: 100 })).toBe(0.5);
  expect(nextKlCoef(adaptive, 0.5, { kl: 0.09, n: 100 })).toBeCloseTo(0.4995, 12);
  expect(nextKlCoef(adaptive, 0.5, { kl: -3, n: 100 })).toBeCloseTo(0.499, 12);
});

test('a step without trajectories changes nothing', () => {
  expect(nextKlCoef(adaptive, 0.5, { kl: 7, n: 0 })).toBe(0.5);
});

test.each([{ horizon: 0 }, { targetKl: 0 }, { klCoef: -1 }, { type: 'other' }])('%j is refused', (config) => {
  expect(klCtrlConfig.safeParse(config).success).toBe(false);
});
