import { describe, expect, test } from 'vitest';
import { type Verdict, verifyAlgorithms } from '../../verify/algorithms.js';
import { type Case, readCase } from '../../verify/case-file.js';
import { withBackends } from '../helpers/gradient.js';
import { referenceFiles } from '../helpers/reference-files.js';

const cases = await Promise.all(referenceFiles.map(readCase));
const sections = [...new Set(cases.flatMap(({ expected }) => Object.keys(expected)))];
const numbered = cases.map((content, i) => ({ content, number: i + 1 }));

withBackends(() => {
  describe.each(numbered)('case $number', ({ content }) => {
    test.each(sections)("%s: all numbers are verl's", async (section) => {
      const verdicts = await verdictsOf(only(content, section));
      expect(verdicts.filter(({ passed }) => !passed)).toEqual([]);
    });
  });
});

test('a section, an entry and an option that we do not know have failed', async () => {
  const { inputs } = cases[0]!;
  const expected = {
    entropy: { a: 1, b: 2 },
    aggregate: { 'token-median': 1 },
    kl_penalties: { k4: { value: inputs.values, grad_of_masked_sum: inputs.values } },
    value_loss: {
      'cliprange=0.5 returns=values agg=token-mean huber=1': { loss: 0, clipfrac: 0, grad: inputs.values },
    },
    'adaptive_kl_controller init=1': [1],
    'adaptive_kl_controller init=1 speed=1': [1],
    rewards: {},
  };
  const verdicts = await verdictsOf({ inputs, expected });
  expect(verdicts.map(({ entry, passed, reason }) => [entry, passed, reason])).toEqual([
    ['a', false, expect.stringMatching(/^unknown section; known: advantages, /)],
    ['b', false, expect.stringMatching(/^unknown section/)],
    ['token-median', false, 'unknown aggregation token-median'],
    ['k4', false, 'unknown KL penalty k4'],
    [expect.any(String), false, "unknown option 'huber'; known: cliprange, returns, agg"],
    ['init=1', false, "no option 'target'"],
    ['init=1 speed=1', false, "unknown option 'speed'; known: init, target, horizon, n_steps, kls"],
    ['', false, expect.stringMatching(/^unknown section/)],
  ]);
});

test('expected numbers of another form have failed', async () => {
  const { inputs } = cases[0]!;
  const expected = {
    aggregate: { 'token-mean': 'many' },
    kl_penalties: { k1: { value: [[1]], grad_of_masked_sum: [] } },
  };
  const reasons = (await verdictsOf({ inputs, expected })).map(({ reason }) => reason);
  expect(reasons).toEqual([
    expect.stringMatching(/^expected numbers: .*expected number, received string/),
    'has another shape than response_mask',
  ]);
});

test('an input that is not there fails what needs it and nothing else', async () => {
  const { inputs, expected } = cases[0]!;
  const { ref_log_prob: _, ...rest } = inputs;
  const { aggregate, kl_penalties } = expected;
  const verdicts = await verdictsOf({ inputs: rest, expected: { aggregate, kl_penalties } });
  const failed = verdicts.filter(({ passed }) => !passed);
  expect([...new Set(failed.map(({ section, reason }) => `${section}: ${reason}`))]).toEqual([
    'kl_penalties: the file has no input ref_log_prob [B, T]',
  ]);
});

test('numbers where nothing was sampled are not compared', async () => {
  const { inputs, expected } = cases[0]!;
  const padded = inputs.response_mask.map((row) => row.map((bit) => (bit === 1 ? 0 : 1e6)));
  const change = (value: unknown) =>
    Array.isArray(value) ? value.map((row, b) => row.map((x: number, t: number) => x + padded[b]![t]!)) : value;
  const entries = Object.entries(expected.kl_penalties as object).map(([name, entry]) => [
    name,
    Object.fromEntries(Object.entries(entry).map(([what, value]) => [what, change(value)])),
  ]);
  const verdicts = await verdictsOf({ inputs, expected: { kl_penalties: Object.fromEntries(entries) } });
  expect(verdicts.every(({ passed }) => passed)).toBe(true);
});

function only({ inputs, expected }: Case, section: string): Case {
  return { inputs, expected: section in expected ? { [section]: expected[section] } : {} };
}

async function verdictsOf(content: Case): Promise<Verdict[]> {
  const verdicts: Verdict[] = [];
  for await (const verdict of verifyAlgorithms(content)) verdicts.push(verdict);
  return verdicts;
}
