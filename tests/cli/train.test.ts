import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Interrupted } from '../../cli/interrupt.js';
import type { RunTraining, TrainingOptions } from '../../cli/training.js';
import { ConfigError, InfrastructureError } from '../../core/errors.js';
import { runCli, twoSteps } from '../helpers/cli.js';

let root = '';
let config = '';
let runDir = '';
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'verlet-train-'));
  config = join(root, 'run.yaml');
  runDir = join(root, 'run');
  await writeFile(config, 'env:\n  name: sum\n');
});
afterEach(() => rm(root, { recursive: true }));

describe('a good config', () => {
  test('trains, keeps everything in the run directory and prints where', async () => {
    const { exitCode, stdout, stderr } = await runCli(['train', config, '--run-dir', runDir]);
    expect(exitCode).toBe(0);
    expect(stdout).toContain('mean evaluation reward: 0.25 -> 0.75 after 2 steps and 3.0s\n');
    expect(stdout).toContain(`report: ${join(runDir, 'report.html')}`);
    expect(stderr).toContain('step 2/2 critic/score/mean=1');
    const files = ['config.yaml', 'curves.svg', 'metrics.jsonl', 'report.html', 'trajectories'];
    expect((await readdir(runDir)).sort()).toEqual(files);
  });

  test('--json puts nothing but JSON lines on stdout', async () => {
    const { stdout } = await runCli(['train', config, '--run-dir', runDir, '--json']);
    const lines = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines[0]).toEqual({ step: 1, data: { 'critic/score/mean': 0.5, 'actor/entropy': 1.5 } });
    expect(lines.at(-1)).toEqual({ initialReward: 0.25, finalReward: 0.75, steps: 2, seconds: 3, toolCallRate: 0.5 });
  });

  test('--quiet keeps stderr empty', async () => {
    expect((await runCli(['train', config, '--run-dir', runDir, '--quiet'])).stderr).toBe('');
  });

  test('options and overrides reach the run and its written config', async () => {
    const { given, runTraining } = recordTraining();
    const words = ['env.maxNumber=5', '--seed', '7', '--steps', '3', '--backend', 'cpu', '--run-dir', runDir];
    await runCli(['train', config, ...words], { runTraining });
    expect(given[0]?.run.config).toMatchObject({ seed: 7, backend: 'cpu', trainer: { totalTrainingSteps: 3 } });
    expect(given[0]?.run.envOptions).toEqual({ maxNumber: 5 });
    expect(given[0]?.run.tools.map(({ name }) => name)).toEqual(['echo']);
    expect(await readFile(join(runDir, 'config.yaml'), 'utf8')).toContain('maxNumber: 5');
  });

  test('a tool with its own time limit keeps its name and its function', async () => {
    const { given, runTraining } = recordTraining();
    await runCli(['train', config, 'tools=[{name: echo, timeoutMs: 50}]', '--run-dir', runDir], { runTraining });
    expect(given[0]?.run.tools).toMatchObject([{ kind: 'tool', name: 'echo', timeoutMs: 50 }]);
  });

  test('the directory of a reward model is relative to the file that names it', async () => {
    const { given, runTraining } = recordTraining();
    const words = ['rewardModel={name: value_head, path: models/rm}', '--run-dir', runDir];
    await runCli(['train', config, ...words], { runTraining });
    const expected = { name: 'value_head', path: join(root, 'models/rm'), weight: 1 };
    expect(given[0]?.run.config.rewardModel).toEqual(expected);
  });

  test('--resume takes up the same directory with its own config and the changes', async () => {
    const { given, runTraining } = recordTraining();
    await runCli(['train', config, '--run-dir', runDir, '--seed', '9'], { runTraining });
    const { exitCode } = await runCli(['train', '--resume', runDir, 'trainer.saveFreq=4'], { runTraining });
    expect(exitCode).toBe(0);
    expect(given[1]).toMatchObject({ resume: true, directory: { path: runDir } });
    expect(given[1]?.run.config).toMatchObject({ seed: 9, trainer: { saveFreq: 4 } });
  });
});

describe('the user’s mistakes end with exit code 2, one sentence and nothing on disk', () => {
  test.each([
    [['nowhere.yaml'], /^error: no file nowhere\.yaml\n$/],
    [[], /^error: name a YAML file to train from, or --resume/],
    [['CONFIG', 'env.name=summ'], /env\.name: unknown environment "summ"; did you mean "sum"\? known: sum\n$/],
    [['CONFIG', 'tools=[ecko]'], /tools\.0: unknown tool "ecko"; did you mean "echo"\? known: echo\n$/],
    [['CONFIG', '--backend', 'wams'], /backend: unknown backend "wams"; did you mean "wasm"\? known: auto, /],
    [['CONFIG', '--seed', 'x'], /seed is "x", must be a number\n$/],
    [
      ['CONFIG', 'rollout.topK=5'],
      /^error: rollout\.topK is 5: training on a cut distribution needs rollout correction/,
    ],
    [
      ['CONFIG', 'rollout.topP=0.9'],
      /rollout\.topP is 0\.9: training on a cut distribution .*; write 1, or algorithm\.rolloutCorrection\.rolloutIs/,
    ],
    [['CONFIG', 'rollout.minP=0.1'], /rollout\.minP is 0\.1: training on a cut distribution/],
    [['CONFIG', 'algorithm.ppoMicroBatchSize=4'], /write algorithm\.ppoMaxTokenLenPerGpu\n$/],
    [['CONFIG', 'warmStart.microBatchSize=4'], /write warmStart\.maxTokenLenPerGpu\n$/],
    [['CONFIG', 'trainer.save_freq=3'], /unknown key trainer\.save_freq; write trainer\.saveFreq\n$/],
    [['CONFIG', 'default_local_dir=x'], /unknown key default_local_dir; write the option --run-dir PATH\n$/],
    [
      ['CONFIG', 'warmStart.steps=3'],
      /warmStart\.steps: environment "sum" has no demonstrations .* write warmStart\.steps: 0/,
    ],
    [
      ['CONFIG', 'optimizer.lrWarmupSteps=200'],
      /optimizer\.lrWarmupSteps: is more than trainer\.totalTrainingSteps \(40\)/,
    ],
    [
      ['CONFIG', 'rollout.maxContext=4096'],
      /rollout\.maxContext: is more than model\.maxPositionEmbeddings \(1024\), write 1024 or less/,
    ],
    [
      ['CONFIG', 'rollout.valKwargs={n: 4, temperature: 0}'],
      /rollout\.valKwargs\.n: is 4, but at temperature 0 all episodes of a task are the same; write 1/,
    ],
    [['CONFIG', 'rollout.valKwargs.doSample=true'], /write rollout\.valKwargs\.temperature\n$/],
    [
      ['CONFIG', 'algorithm.policyLoss.name=dpo'],
      /algorithm\.advEstimator\.name: is grpo, but the policy loss dpo .*; write best_vs_worst/,
    ],
    [
      ['CONFIG', 'algorithm.advEstimator={name: win_rate}', 'rollout.n=1'],
      /rollout\.n: is 1, but win_rate compares episodes of a task, write 2 or more/,
    ],
    [['CONFIG', 'rewardModel.name=htp'], /rewardModel\.name/],
    [['CONFIG', 'rewardModel={name: http, url: "ftp://x"}'], /rewardModel\.url is "ftp:\/\/x", must be/],
    [['CONFIG', 'name=a/b'], /name: write letters, digits/],
    [['CONFIG', 'saveFreq'], /^error: cannot read the override "saveFreq"/],
    [['CONFIG', '--sede', '3'], /^error: unknown option '--sede'\n\(Did you mean --seed\?\)\n$/],
    [['--resume', 'nowhere'], /^error: no run directory nowhere\n$/],
    [['CONFIG', '--resume', 'nowhere'], /^error: no run directory nowhere\n$/],
  ] as const)('train %j', async (words, sentence) => {
    const argv = words.map((word) => (word === 'CONFIG' ? config : word));
    const extra = argv.includes('--resume') ? [] : ['--run-dir', runDir];
    const { exitCode, stdout, stderr } = await runCli(['train', ...argv, ...extra]);
    expect(stderr).toMatch(sentence);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(await readdir(root)).toEqual(['run.yaml']);
  });

  test('a ConfigError found while starting leaves no directory', async () => {
    const runTraining: RunTraining = async () => {
      throw new ConfigError('the model has no room for 600 tokens; write model.maxPositions: 640');
    };
    const { exitCode, stderr } = await runCli(['train', config, '--run-dir', runDir], { runTraining });
    expect({ exitCode, stderr }).toEqual({
      exitCode: 2,
      stderr: 'error: the model has no room for 600 tokens; write model.maxPositions: 640\n',
    });
    expect(await readdir(root)).toEqual(['run.yaml']);
  });

  test.each([
    ['trainer.logger=[mlflow]', /^error: tracker mlflow: no server is named; /],
    ['trainer.logger=[tensorboard, mlflow]', /^error: tracker mlflow: no server is named; /],
    ['trainer={logger: [wandb], projectName: a/b}', /^error: .*a\/b/],
    ['trainer.logger=[tensorbord]', /trainer\.logger\.0: unknown tracker "tensorbord"; did you mean "tensorboard"/],
    ['trainer={rolloutDataDir: a/b, validationDataDir: ./a/b}', /^error: trainer\.rolloutDataDir and .* are both /],
  ])('%s', async (override, sentence) => {
    const { exitCode, stderr } = await runCli(['train', config, override, '--run-dir', runDir]);
    expect(stderr).toMatch(sentence);
    expect(exitCode).toBe(2);
    expect(await readdir(root)).toEqual(['run.yaml']);
  });

  test('a used run directory is not written over', async () => {
    await runCli(['train', config, '--run-dir', runDir]);
    const { exitCode, stderr } = await runCli(['train', config, '--run-dir', runDir]);
    expect(exitCode).toBe(2);
    expect(stderr).toContain('is not empty; name a new directory, or continue the run with --resume');
  });
});

test('a failure of the world ends with exit code 1 and one sentence', async () => {
  const runTraining: RunTraining = async () => {
    throw new InfrastructureError('engine_gone', 'the policy server died', { retryable: true });
  };
  const { exitCode, stderr } = await runCli(['train', config, '--run-dir', runDir], { runTraining });
  expect({ exitCode, stderr }).toEqual({ exitCode: 1, stderr: 'failed: the policy server died (engine_gone)\n' });
});

test('a bug ends with exit code 1 and the stacks of error and cause', async () => {
  const runTraining: RunTraining = async () => {
    throw new Error('outer', { cause: new TypeError('inner') });
  };
  const { exitCode, stderr } = await runCli(['train', config, '--run-dir', runDir], { runTraining });
  expect(exitCode).toBe(1);
  expect(stderr).toMatch(/Error: outer\n\s+at .*\ncaused by TypeError: inner\n\s+at /s);
});

test('an interrupted run ends with exit code 130 and says how to continue', async () => {
  const controller = new AbortController();
  const runTraining: RunTraining = async (_options, signal) => {
    controller.abort(new Interrupted('SIGINT'));
    throw signal.reason;
  };
  const { exitCode, stderr } = await runCli(['train', config, '--run-dir', runDir], {
    runTraining,
    signal: controller.signal,
  });
  expect(exitCode).toBe(130);
  expect(stderr).toBe(
    `SIGINT: finishing cleanly; once more to stop at once\ncontinue with: verlet train --resume ${runDir}\n`,
  );
});

function recordTraining(): { given: TrainingOptions[]; runTraining: RunTraining } {
  const given: TrainingOptions[] = [];
  const runTraining: RunTraining = (options, signal) => {
    given.push(options);
    return twoSteps(options, signal);
  };
  return { given, runTraining };
}
