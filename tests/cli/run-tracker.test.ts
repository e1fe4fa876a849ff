import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { RunTraining } from '../../cli/training.js';
import { runCli, twoSteps } from '../helpers/cli.js';
import { messagesOf, onlyFile, plainOf, recordsOf } from '../helpers/offline-run.js';
import { TemporaryFolder } from '../helpers/temporary-folder.js';

let folder: TemporaryFolder;
beforeEach(() => {
  folder = new TemporaryFolder().write({ 'run.yaml': 'env:\n  name: sum\n' });
});
afterEach(() => folder[Symbol.dispose]());

const at = (...names: string[]): string => join(folder.path, ...names);

/** Trains two steps in `run` with changes of the config's trainer. */
function train(trainer: string, runTraining: RunTraining = twoSteps, ...flags: string[]) {
  const words = ['train', at('run.yaml'), `trainer=${trainer}`, '--run-dir', at('run'), ...flags];
  return runCli(words, { runTraining });
}

test('trackers of the config are told what the run’s own records are told', async () => {
  await train('{logger: [tensorboard, wandb, swanlab]}');
  const [events] = readdirSync(at('run/tensorboard'));
  const text = readFileSync(at('run/tensorboard', events ?? ''), 'latin1');
  for (const name of ['critic/score/mean', 'actor/entropy', 'val-core/sum/reward/mean@1']) expect(text).toContain(name);
  expect(readdirSync(at('run')).sort()).toEqual([
    ...['config.yaml', 'curves.svg', 'metrics.jsonl', 'report.html', 'swanlog', 'tensorboard', 'trajectories', 'wandb'],
  ]);
});

test('lines of the console tracker stand on stderr, with --quiet too, and --json stays clean', async () => {
  const { stdout, stderr } = await train('{logger: [console]}', twoSteps, '--quiet', '--json');
  expect(stderr).toMatch(
    /^step 1 critic\/score\/mean=0\.5 .*\nstep 2 critic\/score\/mean=1 .*\nstep 2 val-core\/.*\n$/,
  );
  for (const line of stdout.trimEnd().split('\n')) expect(() => JSON.parse(line)).not.toThrow();
});

test('samples are dumped into the directories named, training apart from evaluation', async () => {
  await train('{rolloutDataDir: rollouts, validationDataDir: validation}');
  expect(readdirSync(at('run/validation')).sort()).toEqual(['1.jsonl', '2.jsonl']);
  expect(readdirSync(at('run'))).not.toContain('rollouts');
});

test.each([
  ['reached its end', 0],
  ['failed', 1],
])('a run that %s is told so', async (_, code) => {
  await train('{logger: [wandb]}', async (options, signal) => {
    const summary = await twoSteps(options, signal);
    if (code > 0) throw new Error('the loss is NaN');
    return summary;
  });
  expect(exitCode()).toBe(code);
});

test('a run is called by its experiment’s name, or else by its directory’s', async () => {
  await train('{logger: [wandb], projectName: calculators, experimentName: baseline}');
  const text = readFileSync(onlyFile(at('run'), '.wandb'), 'latin1');
  expect([text.includes('calculators'), text.includes('baseline')]).toEqual([true, true]);
});

/** Of W&B's last record. */
function exitCode(): unknown {
  const [exit] = recordsOf(onlyFile(at('run'), '.wandb')).flatMap((record) => messagesOf(record, 18));
  return exit === undefined ? undefined : plainOf(exit, 1);
}
