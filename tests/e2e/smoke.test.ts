import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { loadYaml } from '../../core/config.js';
import { trajectoryRecord } from '../../core/trackers/record.js';
import { testBackends } from '../helpers/gradient.js';
import { build, type Ended, Workplace } from '../helpers/program.js';
import { jsonLines, readMetrics, smokeRun } from '../helpers/smoke-run.js';

let workplace: Workplace;
let ended: Ended;
let seconds = 0;
const inRun = (...names: string[]): string => join(workplace.path, 'run', ...names);

beforeAll(async () => {
  build();
  workplace = new Workplace();
  const startedAt = performance.now();
  ended = await workplace.run(smokeRun());
  seconds = (performance.now() - startedAt) / 1000;
}, 180_000);
afterAll(() => workplace[Symbol.asyncDispose]());

test('the small example trains within 30 seconds and leaves no process and no temporary file', async () => {
  expect(ended).toMatchObject({ code: 0 });
  expect(seconds).toBeLessThan(30);
  await workplace.untilNothingIsLeft(0);
});

// Pinned on backend cpu, tolerance 1e-4: the values of this program's own first run.
const firstSteps = [
  { score: 0, loss: 0, entropy: 1.714221, gradNorm: 0.032823, responseLength: 2.625 },
  { score: 0, loss: 0, entropy: 1.637344, gradNorm: 0.030362, responseLength: 2.5 },
  { score: 0.0625, loss: 0.036585, entropy: 1.83451, gradNorm: 0.27101, responseLength: 2.5625 },
];

test.each([1, 2, 3])('step %i is what it was when it was pinned', (step) => {
  const data = readMetrics(inRun()).find((record) => record.step === step)?.data ?? {};
  const measured = {
    score: data['critic/score/mean'],
    loss: data['actor/pg_loss'],
    entropy: data['actor/entropy'],
    gradNorm: data['actor/grad_norm'],
    responseLength: data['response_length/mean'],
  };
  for (const [name, value] of Object.entries(firstSteps[step - 1] ?? {})) {
    expect(Reflect.get(measured, name), name).toBeCloseTo(value, 4);
  }
});

test('before the first optimizer step sampling and training say the same log-probs', () => {
  for (const { data } of readMetrics(inRun()).slice(1, 4)) {
    expect(data['training/rollout_logprobs_diff_max']).toBeLessThan(1e-5);
  }
});

test.runIf(testBackends.includes('native'))('on native they say the same to the bit, at every step', async () => {
  await using place = new Workplace();
  expect(await place.run(smokeRun('backend=native', '--steps', '5'))).toMatchObject({ code: 0 });
  const steps = readMetrics(join(place.path, 'run')).filter(({ data }) => 'actor/pg_loss' in data);
  expect(steps.map(({ data }) => data['training/rollout_logprobs_diff_max'])).toEqual([0, 0, 0, 0, 0]);
});

test('the metrics have verl’s names', () => {
  const records = readMetrics(inRun());
  expect(records.map(({ step }) => step)).toEqual([0, 1, 2, 3, 3]);
  for (const { data } of records.slice(1, 4)) expect(Object.keys(data)).toEqual(expect.arrayContaining(verlMetrics));
  for (const { data } of [records[0], records[4]].filter((record) => record !== undefined)) {
    expect(Object.keys(data)).toContain('val-core/arithmetic/reward/mean@1');
  }
});

const verlMetrics = [
  'critic/score/mean',
  'critic/rewards/max',
  'critic/advantages/min',
  'actor/pg_loss',
  'actor/ppo_kl',
  'actor/pg_clipfrac',
  'actor/entropy',
  'actor/grad_norm',
  'actor/lr',
  'response_length/mean',
  'response_length/clip_ratio',
  'prompt_length/mean',
  'num_turns/mean',
  'perf/throughput',
  'perf/time_per_step',
  'perf/total_num_tokens',
  'timing_s/gen',
  'timing_s/update_actor',
  'timing_s/step',
  'training/global_step',
];

test('--json streams the metrics and ends with exactly the summary', () => {
  const lines: { step?: number }[] = ended.stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  const [summary, ...streamed] = lines.reverse();
  expect(streamed.reverse()).toEqual(jsonLines(inRun('metrics.jsonl')));
  expect(summary).toEqual({
    initialReward: 0,
    finalReward: readMetrics(inRun()).at(-1)?.data['val-core/arithmetic/reward/mean@1'],
    steps: 3,
    seconds: expect.any(Number),
    toolCallRate: 0,
  });
  expect(Object.keys(summary ?? {})).toEqual(['initialReward', 'finalReward', 'steps', 'seconds', 'toolCallRate']);
});

test('the run directory holds config, metrics, trajectories, checkpoints and the report', async () => {
  expect(readdirSync(inRun()).sort()).toEqual([
    'checkpoints',
    'config.yaml',
    'curves.svg',
    'metrics.jsonl',
    'report.html',
    'trajectories',
  ]);
  const trajectories = ['eval-0.jsonl', 'eval-3.jsonl', 'train-1.jsonl', 'train-2.jsonl', 'train-3.jsonl'];
  expect(readdirSync(inRun('trajectories')).sort()).toEqual(trajectories);
  expect(readdirSync(inRun('checkpoints')).sort()).toEqual(['global_step_0', 'global_step_3']);
  expect(await loadYaml(inRun('config.yaml'))).toMatchObject({
    backend: 'cpu',
    env: { largest: 9 },
    rollout: { n: 4 },
  });
  expect(readFileSync(inRun('report.html'), 'utf8')).toContain('critic/score/mean');
  expect(readFileSync(inRun('curves.svg'), 'utf8')).toMatch(/^<svg/);
});

test('a checkpoint holds weights, optimizer, version and position', () => {
  const names = [
    'chat_template.jinja',
    'config.json',
    'generation_config.json',
    'model.safetensors',
    'optimizer.safetensors',
    'state.json',
    'tokenizer.json',
    'tokenizer_config.json',
    'trainer.json',
  ];
  expect(readdirSync(inRun('checkpoints', 'global_step_3')).sort()).toEqual(names);
  expect(jsonLines(inRun('checkpoints', 'global_step_3', 'state.json'))).toEqual([
    { step: 3, nextTask: 52, seed: 2, initialReward: 0, loop: expect.objectContaining({ klCoef: 0.001 }) },
  ]);
});

test('every trajectory has one mask bit, log-prob and version a token, and the turns span exactly what was sampled', () => {
  const records = [1, 2, 3].flatMap((step) => jsonLines(inRun('trajectories', `train-${step}.jsonl`)));
  expect(records).toHaveLength(48);
  for (const record of records.map((line) => trajectoryRecord.parse(line))) {
    if (record.status !== 'scored') throw new Error(`${record.task.id} was ${record.status}`);
    for (const [index, { tokens, mask, logprobs, versions }] of record.sequences.entries()) {
      expect([mask.length, logprobs.length, versions.length]).toEqual([tokens.length, tokens.length, tokens.length]);
      const actions = record.turns.filter(({ sequence }) => sequence === index).map(({ action }) => action);
      const spanned = tokens.map((_, t) => (actions.some(({ start, end }) => start <= t && t < end) ? 1 : 0));
      expect(mask).toEqual(spanned);
      const sampledVersion = 24 + record.step - 1; // one version an update, the warm start's 24 included
      expect(versions).toEqual(mask.map((bit) => (bit === 1 ? sampledVersion : -1)));
      expect(logprobs.every((logprob, t) => (mask[t] === 1 ? Number(logprob) < 0 : logprob === 0))).toBe(true);
    }
  }
});

test('while a larger batch is trained on, the controller is never late by more than 50 ms', async () => {
  await using place = new Workplace();
  const words = smokeRun('data.trainBatchSize=32', 'warmStart.steps=8', 'rollout.maxResponseTokens=8', '--steps', '2');
  expect(await place.run(words)).toMatchObject({ code: 0 });
  const updates = readMetrics(join(place.path, 'run')).filter(({ data }) => 'timing_s/update_actor' in data);
  expect(updates).toHaveLength(2);
  for (const { data } of updates) {
    expect(data['timing_s/update_actor']).toBeGreaterThan(0.1);
    expect(data['perf/event_loop_lag_p99_ms']).toBeLessThan(50);
  }
}, 60_000);
