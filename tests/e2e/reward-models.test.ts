import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { modelConfig } from '../../core/model/config.js';
import { useBackend } from '../../core/tensor/backend.js';
import { detectedBackend } from '../helpers/backend.js';
import { comparisons, rewardModelUpdate } from '../helpers/comparisons.js';
import { build, Workplace } from '../helpers/program.js';
import { openScoringServer } from '../helpers/scoring-server.js';
import { readMetrics, smokeRun } from '../helpers/smoke-run.js';
import { never, openTinyPolicy } from '../helpers/tiny-policy.js';

let workplace: Workplace;
beforeAll(() => {
  build();
  workplace = new Workplace();
}, 180_000);
afterAll(() => workplace[Symbol.asyncDispose]());

const short = [`backend=${detectedBackend}`, 'warmStart.steps=2', 'trainer.totalTrainingSteps=1'];
const at = (...names: string[]): string => join(workplace.path, ...names);
const runConfig = z.object({ model: modelConfig });

test('a run asks an HTTP reward model about training and evaluation, and greedy baselines get scores too', async () => {
  await using server = await openScoringServer(({ inputs }, count) =>
    count === 1 ? { status: 503, body: '' } : { body: { scores: inputs.map(({ response }) => 100 + response.length) } },
  );
  const model = `rewardModel={name: http, url: "${server.url}", weight: 2}`;
  const { code, stderr } = await workplace.run(smokeRun(...short, model, 'algorithm.advEstimator={name: remax}'));
  expect({ code, stderr }).toMatchObject({ code: 0 });
  const [before, step] = readMetrics(at('run'));
  expect(before!.data['val-aux/arithmetic/rm_score/mean@1']).toBeGreaterThanOrEqual(100);
  expect(before!.data['val-core/arithmetic/reward/mean@1']).toBeGreaterThanOrEqual(200);
  expect(step!.data['critic/score/min']).toBeGreaterThanOrEqual(200);
  expect(step!.data['critic/advantages/max']).toBeLessThan(150);
  expect(step!.data['timing_s/reward']).toBeGreaterThan(0);
}, 120_000);

test('a run loads a reward model with a value head into the policy server, which scores', async () => {
  await useBackend(detectedBackend);
  const { model } = runConfig.parse(parse(readFileSync(at('run/config.yaml'), 'utf8')));
  using tiny = openTinyPolicy(1, model);
  await tiny.trainer.update(comparisons(2), { ...rewardModelUpdate, lr: 0.1 }, never);
  await tiny.trainer.save(workplace.path, never);
  const rewardModel = `rewardModel={name: value_head, path: "${workplace.path}", weight: 0.5}`;
  const { code, stderr } = await workplace.run(smokeRun(...short, rewardModel, '--run-dir', 'headed'));
  expect({ code, stderr }).toMatchObject({ code: 0 });
  const [before, step] = readMetrics(at('headed'));
  expect(Math.abs(before!.data['val-aux/arithmetic/rm_score/mean@1']!)).toBeGreaterThan(1e-3);
  expect(step!.data['rollout/failed']).toBe(0);
}, 120_000);

test('a directory that holds no reward model is told in one sentence', async () => {
  const rewardModel = 'rewardModel={name: value_head, path: /nowhere}';
  const { code, stderr } = await workplace.run(smokeRun(...short, rewardModel, '--run-dir', 'none', '--quiet'));
  expect({ code, stderr }).toEqual({
    code: 2,
    stderr: 'error: cannot read /nowhere: write the directory of a reward model as rewardModel.path\n',
  });
}, 120_000);
