import { expect, test } from 'vitest';
import { activeEntropyCoef, entropyCtrlConfig, nextEntropyCoef } from '../../../core/controllers/entropy-controller.js';

const config = entropyCtrlConfig.parse({ enable: true });

test('the coefficient rises below the target and falls at it and above', () => {
  expect(nextEntropyCoef(config, 0.001, 0.1)).toBeCloseTo(0.0011, 12);
  expect(nextEntropyCoef(config, 0.001, 0.2)).toBeCloseTo(0.0009, 12);
  expect(nextEntropyCoef(config, 0.001, 3)).toBeCloseTo(0.0009, 12);
});

test('the coefficient stays between its bounds', () => {
  expect(nextEntropyCoef(config, 0.005, 0)).toBe(0.005);
  expect(nextEntropyCoef(config, 0, 1)).toBe(0);
});

test('the entropy counts in the loss only where it is below the target', () => {
  expect(activeEntropyCoef(config, 0.003, 0.19)).toBe(0.003);
  expect(activeEntropyCoef(config, 0.003, 0.2)).toBe(0);
});

test('switched off, the controller changes and adds nothing', () => {
  const off = entropyCtrlConfig.parse({});
  expect([nextEntropyCoef(off, 0.003, 0), activeEntropyCoef(off, 0.003, 0)]).toEqual([0.003, 0]);
});

test('bounds in the wrong order are refused with what to write', () => {
  const problem = (given: object): string | undefined => entropyCtrlConfig.safeParse(given).error?.issues[0]?.message;
  expect(problem({ minCoef: 1 })).toBe('raise it to minCoef, 1, or more');
  expect(problem({ initialCoef: 1 })).toBe('choose from 0 to 0.005');
});
