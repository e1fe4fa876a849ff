import { cpSync, existsSync, readdirSync, readFileSync, rmSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { detectedBackend } from '../helpers/backend.js';
import { build, type Ended, Workplace } from '../helpers/program.js';
import { readMetrics, smokeRun } from '../helpers/smoke-run.js';

let workplace: Workplace;
let trained: Ended;
const at = (...names: string[]): string => join(workplace.path, ...names);

beforeAll(async () => {
  build();
  workplace = new Workplace();
  trained = await workplace.run(smokeRun(`backend=${detectedBackend}`, 'fabric.name=auto'));
  workplace.write({ 'broken.yaml': 'env: { name: arithmetic }\ntrainer: [\n', 'fresh/config.yaml': '' });
  cpSync(at('run/config.yaml'), at('fresh/config.yaml'));
}, 180_000);
afterAll(() => workplace[Symbol.asyncDispose]());

test('eval tells the metrics of the newest checkpoint, also with other tools, and leaves the run as it is', async () => {
  const before = readFileSync(at('run/metrics.jsonl'), 'utf8');
  const { code, stdout } = await workplace.run(['eval', 'run', 'tools=[]', '--json', '--quiet']);
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toEqual(readMetrics(at('run')).at(-1)?.data);
  expect(readFileSync(at('run/metrics.jsonl'), 'utf8')).toBe(before);
});

test('eval plays each task as often as it is told', async () => {
  const { stdout } = await workplace.run(['eval', 'run', 'rollout.valKwargs={n: 2, topK: 3}', '--json', '--quiet']);
  const names = Object.keys(JSON.parse(stdout));
  expect(names).toContain('val-core/arithmetic/reward/mean@2');
  expect(names).toContain('val-aux/arithmetic/reward/pass@2');
});

test('report draws report.html and curves.svg anew', async () => {
  for (const name of ['report.html', 'curves.svg']) rmSync(at('run', name));
  expect(await workplace.run(['report', 'run'])).toMatchObject({ code: 0, stderr: '' });
  expect(['report.html', 'curves.svg'].map((name) => existsSync(at('run', name)))).toEqual([true, true]);
});

test('resuming a finished run trains no further and tells the same rewards', async () => {
  const before = readFileSync(at('run/metrics.jsonl'), 'utf8');
  const { code, stdout } = await workplace.run(['train', '--resume', 'run', '--json']);
  expect(code).toBe(0);
  const summaries = [stdout, trained.stdout].map((text) => JSON.parse(text.trimEnd().split('\n').at(-1) ?? ''));
  expect({ ...summaries[0], seconds: 0 }).toEqual({ ...summaries[1], seconds: 0 });
  expect(readFileSync(at('run/metrics.jsonl'), 'utf8')).toBe(before);
});

test.each([[['--help']], [['train', '--help']], [['eval', '--help']], [['report', '--help']]])(
  '%j exits with 0',
  async (words) => {
    const { code, stdout, stderr } = await workplace.run(words);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^Usage: verlet.*Examples:/s);
  },
);

describe('a mistake ends with exit code 2 and one sentence and leaves nothing', () => {
  test.each([
    [['train', 'broken.yaml'], /^error: broken\.yaml:\d+:\d+: not valid YAML: .+\n$/],
    [
      ['TRAIN', 'algorithm.policyLoss.clipRatioLw=0.1'],
      /unknown key algorithm\.policyLoss\.clipRatioLw; did you mean algorithm\.policyLoss\.clipRatioLow\?\n$/,
    ],
    [['TRAIN', 'optimizer.lr=2'], /optimizer\.lr is 2, must be at most 1\n$/],
    [['TRAIN', 'data.evalSize=100'], /^error: arithmetic has \d+ eval tasks with these options; ask for fewer/],
    [['report', 'tmp'], /^error: tmp is not a run directory: it has no config\.yaml\n$/],
    [
      ['train', '--resume', 'run', 'seed=3', '--quiet'],
      /^error: the run began with seed 2 and cannot go on with 3; leave seed out\n$/,
    ],
    [['eval', 'fresh', '--quiet'], /^error: fresh holds no checkpoint to evaluate\n$/],
  ])('%j', ([command = '', ...words], sentence) =>
    expectRefused(command === 'TRAIN' ? refused(...words) : [command, ...words], sentence),
  );

  test('a backend that is not installed, as far as an empty cache knows', () =>
    expectRefused(
      refused('--backend', 'node'),
      /^error: backend 'node' does not load on this machine: install .*npm install @tensorflow\/tfjs-node .*\n$/,
      { XDG_CACHE_HOME: at('no-cache') },
    ));

  test.each([
    ['eval', ['eval', 'torn', '--quiet']],
    ['resume', ['train', '--resume', 'torn', '--quiet', 'trainer.saveFreq=7', '--steps', '9']],
  ])('%s of a run whose newest checkpoint is torn', async (_name, words) => {
    cpSync(at('run'), at('torn'), { recursive: true });
    truncateSync(at('torn/checkpoints/global_step_3/model.safetensors'), 1000);
    const { code, stdout, stderr } = await workplace.run(words);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(/^error: [^\n]*torn\/checkpoints\/global_step_3\/model\.safetensors [^\n]+\n$/);
    for (const name of ['config.yaml', 'metrics.jsonl']) {
      expect(readFileSync(at('torn', name), 'utf8')).toBe(readFileSync(at('run', name), 'utf8'));
    }
    rmSync(at('torn'), { recursive: true });
  });
});

function refused(...changes: readonly string[]): string[] {
  return smokeRun('--run-dir', 'refused', '--quiet', ...changes);
}

async function expectRefused(words: readonly string[], sentence: RegExp, env: NodeJS.ProcessEnv = {}): Promise<void> {
  const before = readdirSync(at());
  const { code, stdout, stderr } = await workplace.run(words, env);
  expect(stderr).toMatch(sentence);
  expect(stderr).toMatch(/^error: [^\n]+\n$/);
  expect({ code, stdout, files: readdirSync(at()) }).toEqual({ code: 2, stdout: '', files: before });
  await workplace.untilNothingIsLeft(0);
}
