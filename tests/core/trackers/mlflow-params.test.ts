import { expect, test } from 'vitest';
import { mlflowName, toParams } from '../../../core/trackers/mlflow/params.js';

test('a config becomes one parameter a leaf, by its dotted key', () => {
  const config = { seed: 1, optimizer: { lr: 0.001, betas: [0.9, 0.99] }, resume: null, isQuiet: false };
  expect(toParams(config)).toEqual([
    { key: 'seed', value: '1' },
    { key: 'optimizer.lr', value: '0.001' },
    { key: 'optimizer.betas', value: '[0.9,0.99]' },
    { key: 'resume', value: 'null' },
    { key: 'isQuiet', value: 'false' },
  ]);
});

test('an empty text keeps its quotes, a long one is cut to 500 characters', () => {
  const [empty, long] = toParams({ empty: '', long: 'x'.repeat(1000) });
  expect(empty?.value).toBe('""');
  expect(long?.value).toBe(`${'x'.repeat(499)}…`);
});

test('a config without keys has no parameters', () => {
  expect(toParams({})).toEqual([]);
  expect(toParams(3)).toEqual([]);
});

test.each([
  ['val-core/sum/reward/mean@16', 'val-core/sum/reward/mean_at_16'],
  ['critic/score/mean', 'critic/score/mean'],
  ['a:b*c', 'a_b_c'],
  ['/a//../b/.', 'a/b'],
  ['//', '_'],
  ['x'.repeat(300), 'x'.repeat(250)],
])('MLflow knows %s as %s', (name, expected) => {
  expect(mlflowName(name)).toBe(expected);
});
