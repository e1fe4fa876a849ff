import { expect, test } from 'vitest';
import { readCase } from '../../verify/case-file.js';
import { estimatesOf } from '../../verify/estimates.js';
import { referenceFiles } from '../helpers/reference-files.js';

const { inputs } = await readCase(referenceFiles[0]!);

test.each([
  'ppo',
  'gae lambda=1',
  'gae gamma=two',
  'gae gamma=2',
  'gae gamma',
  'rloo gamma=1',
  'grpo norm_by_std=1',
  'optimal_token_baseline is_weights=perhaps',
  '',
])("'%s' is refused", (name) => {
  expect(() => estimatesOf(name, inputs)).toThrow();
});

test('inputs without what the estimator needs are refused', () => {
  expect(() => estimatesOf('gae', { ...inputs, values: undefined })).toThrow('values');
  expect(() => estimatesOf('remax', {})).toThrow();
});
