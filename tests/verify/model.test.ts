import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { main } from '../../verify/program.js';
import { checkpointPath, referencePath } from '../helpers/model-references.js';
import { TemporaryFolder } from '../helpers/temporary-folder.js';
import { never } from '../helpers/tiny-policy.js';

interface Case {
  input_ids: number[];
  logits_last?: number[];
  logprobs?: (number | null)[];
}

/** Runs `verify model` on backend cpu. */
async function verify(model: string, reference: string, ...more: string[]) {
  const texts = { stdout: '', stderr: '' };
  const stream = (name: 'stdout' | 'stderr') => ({ write: (text: string) => (texts[name] += text) });
  const io = { stdout: stream('stdout'), stderr: stream('stderr') };
  const words = ['model', '--model', model, '--reference', reference, '--backend', 'cpu', ...more];
  return { code: await main(words, io, never), ...texts };
}

/** The same of llama with cases that are not those of its file. */
async function verifyCases(change: (cases: Case[]) => unknown, ...more: string[]) {
  using folder = new TemporaryFolder();
  const { cases }: { cases: Case[] } = JSON.parse(readFileSync(referencePath('llama'), 'utf8'));
  folder.write({ 'changed.json': JSON.stringify(change(cases)) });
  return await verify(checkpointPath('llama'), join(folder.path, 'changed.json'), ...more);
}

it.each(['qwen3', 'gemma2', 'gemma3-multimodal'])('%s is what transformers says, one line a case', async (name) => {
  const { code, stdout, stderr } = await verify(checkpointPath(name), referencePath(name));
  expect([code, stderr]).toEqual([0, '']);
  const lines = stdout.trimEnd().split('\n');
  expect(lines.slice(0, 5)).toEqual(Array(5).fill(expect.stringMatching(/^ok +\d\S* {2}cases\[\d\]: \d+ tokens? \(/)));
  expect(lines.slice(5)).toEqual([
    expect.stringMatching(/^worst difference \d\S*, allowed 0.0001$/),
    '5 passed, 0 failed',
  ]);
});

it('one changed number is one failure, which the exit code tells, unless the tolerance is larger', async () => {
  const change = (cases: Case[]) => {
    cases[3]!.logits_last![5]! += 1e-2;
    return { cases };
  };
  const { code, stdout } = await verifyCases(change);
  expect([code, stdout.trimEnd().split('\n').at(-1)]).toEqual([1, '4 passed, 1 failed']);
  expect(stdout).toMatch(/^FAIL +1.0e-2 {2}cases\[3\]: 33 tokens \(logits_last 1.0e-2, logprobs \S+\)$/m);
  expect((await verifyCases(change, '--tolerance', '0.02')).code).toBe(0);
});

it('a case may have one kind of numbers only, and something for the first token', async () => {
  const { code, stdout } = await verifyCases((cases) => {
    delete cases[1]!.logprobs;
    delete cases[2]!.logits_last;
    for (const given of cases.slice(2)) given.logprobs?.unshift(null);
    return { cases };
  });
  expect([code, stdout.trimEnd().split('\n').at(-1)]).toEqual([0, '5 passed, 0 failed']);
  expect(stdout).toMatch(/cases\[2\]: 7 tokens \(logprobs \S+\)$/m);
});

it.each<[string, (cases: Case[]) => unknown, RegExp]>([
  ['no case', () => ({ cases: [] }), /is not a file of a model's reference numbers.*cases/s],
  ['a token too many', ([first]) => ({ cases: [{ ...first, input_ids: [64] }] }), /cases\[0\] has token 64, .* 63$/m],
  ['no token', ([first]) => ({ cases: [{ ...first, input_ids: [] }] }), /cases\[0\]\.input_ids/],
  ['another vocabulary', ([first]) => ({ cases: [{ ...first, logits_last: [1] }] }), /cases\[0\] has 1 logits_last/],
  ['too few log-probs', ([, , third]) => ({ cases: [{ ...third, logprobs: [-1] }] }), /1 numbers for 7 tokens/],
  ['a hole', ([, second]) => ({ cases: [{ ...second, logprobs: [-1, null] }] }), /null where a number is expected/],
  [
    'nothing to compare',
    ([first]) => ({ cases: [{ input_ids: first!.input_ids }] }),
    /neither logits_last nor logprobs/,
  ],
])('a reference with %s is refused before anything is compared', async (_, change, message) => {
  const { code, stdout, stderr } = await verifyCases(change);
  expect([code, stdout]).toEqual([2, '']);
  expect(stderr).toMatch(message);
});

it.each([
  ['a model that is not there', '/nowhere', [], /^error: .*\/nowhere/],
  ['a tolerance of 0', checkpointPath('llama'), ['--tolerance', '0'], /not a number above 0/],
  ['a backend of another name', checkpointPath('llama'), ['--backend', 'gpu'], /Allowed choices are auto, native/],
])('%s is refused in one sentence', async (_, model, more, message) => {
  const { code, stdout, stderr } = await verify(model, referencePath('llama'), ...more);
  expect([code, stdout]).toEqual([2, '']);
  expect(stderr).toMatch(message);
});
