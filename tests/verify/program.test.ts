import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, expect, test } from 'vitest';
import { build } from '../helpers/program.js';
import { referenceFiles } from '../helpers/reference-files.js';
import { TemporaryFolder } from '../helpers/temporary-folder.js';

beforeAll(build);

/** Runs the built program as the script does. */
async function verify(
  ...words: string[]
): Promise<{ readonly code: number; readonly stdout: string; readonly stderr: string }> {
  const options = { maxBuffer: 2 ** 26 };
  return promisify(execFile)(process.execPath, [resolve('dist/verify/main.js'), ...words], options).then(
    (streams) => ({ code: 0, ...streams }),
    (failure) => failure,
  );
}

/** A reference file, parsed. */
function content(index: number) {
  return JSON.parse(readFileSync(referenceFiles[index]!, 'utf8'));
}

function lastLine(stdout: string): string | undefined {
  return stdout.trimEnd().split('\n').at(-1);
}

test("every entry of every file is verl's number, one line each", async () => {
  const entries = referenceFiles
    .flatMap((_, i) => Object.values<object>(content(i).expected))
    .flatMap((section) => (Array.isArray(section) ? ['all of it'] : Object.keys(section)));
  const { code, stdout, stderr } = await verify('algorithms', ...referenceFiles);
  expect([code, stderr, lastLine(stdout)]).toEqual([0, '', `${entries.length} passed, 0 failed`]);
  expect(stdout.trimEnd().split('\n')).toHaveLength(entries.length + 1);
}, 60_000);

test('one changed number is one failure, which the exit code tells', async () => {
  using folder = new TemporaryFolder();
  const { inputs, expected } = content(0);
  const { kl_penalties, aggregate } = expected;
  const [row, column] = firstSampled(inputs.response_mask);
  kl_penalties.k2.value[row][column] += 1e-3;
  folder.write({ 'tampered.json': JSON.stringify({ inputs, expected: { kl_penalties, aggregate } }) });
  const { code, stdout } = await verify('algorithms', join(folder.path, 'tampered.json'));
  expect([code, lastLine(stdout)]).toEqual([1, '10 passed, 1 failed']);
  expect(stdout).toMatch(/^FAIL +\d+ {2}tampered.json kl_penalties: k2 \(value.*\)$/m);
});

test('an unknown entry is a failure and not a crash', async () => {
  using folder = new TemporaryFolder();
  const { inputs, expected } = content(1);
  const advantages = { 'wishful gamma=1.0': expected.advantages.grpo };
  folder.write({ 'new.json': JSON.stringify({ inputs, expected: { advantages, aggregate: expected.aggregate } }) });
  const { code, stdout } = await verify('algorithms', join(folder.path, 'new.json'));
  expect([code, lastLine(stdout)]).toEqual([1, '4 passed, 1 failed']);
  expect(stdout).toMatch(/^FAIL +none {2}new.json advantages: wishful gamma=1.0 \(.+\)$/m);
});

test.each([
  ['not JSON', '{"inputs": NaN}', /^error: \S+file.json is not JSON: /],
  ['of another form', '{"inputs": {}}', /^error: \S+file.json is not a file of reference numbers: /],
  [
    'ragged',
    '{"inputs": {"response_mask": [[1, 0], [1, 1]], "values": [[1, 2], [3]]}, "expected": {}}',
    /has another shape than response_mask/,
  ],
])('a file that is %s is refused before anything is compared', async (_, text, message) => {
  using folder = new TemporaryFolder();
  folder.write({ 'file.json': text });
  const { code, stdout, stderr } = await verify('algorithms', referenceFiles[0]!, join(folder.path, 'file.json'));
  expect([code, stdout]).toEqual([2, '']);
  expect(stderr).toMatch(message);
});

test.each([
  [['algorithms', '/nowhere.json'], /^error: cannot read \/nowhere.json: ENOENT/],
  [['algorithms'], /missing required argument 'file'/],
  [['rewards'], /unknown command 'rewards'/],
])('%j is refused in one sentence', async (words, message) => {
  const { code, stderr } = await verify(...words);
  expect(code).toBe(2);
  expect(stderr).toMatch(message);
});

function firstSampled(mask: readonly (readonly number[])[]): readonly [number, number] {
  return [0, mask[0]!.indexOf(1)];
}
