import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { build, type Ended, Workplace } from '../helpers/program.js';
import { readMetrics } from '../helpers/smoke-run.js';

/** The example made small, as PPO: a critic of its own, its warm-up, KL in the reward, dynamic sampling. */
const small = [
  'seed=2',
  'env.size=3',
  'env.maxSteps=4',
  'model.hiddenSize=16',
  'model.numHiddenLayers=1',
  'model.headDim=8',
  'model.intermediateSize=32',
  'warmStart.steps=24',
  'warmStart.demonstrations=40',
  'warmStart.batchSize=4',
  'rollout.n=4',
  'rollout.maxTurns=4',
  'algorithm.advEstimator={name: gae, lam: 0.95}',
  'algorithm.useKlInReward=true',
  'algorithm.filterGroups={name: dapo, maxNumGenBatches: 2}',
  'critic.optimizer.lr=1e-2',
  'data.trainBatchSize=4',
  'data.evalSize=4',
  'trainer.totalTrainingSteps=3',
  'trainer.criticWarmup=1',
  'fabric.name=in-process',
  'backend=cpu',
];

let workplace: Workplace;
let ended: Ended;
let seconds = 0;

beforeAll(async () => {
  build();
  workplace = new Workplace();
  const startedAt = performance.now();
  const example = resolve('examples/algorithms/frozen-lake.yaml');
  ended = await workplace.run(['train', example, ...small, '--run-dir', 'run', '--json']);
  seconds = (performance.now() - startedAt) / 1000;
}, 180_000);
afterAll(() => workplace[Symbol.asyncDispose]());

test('the small lake trains within 30 seconds', () => {
  expect(ended).toMatchObject({ code: 0 });
  expect(seconds).toBeLessThan(30);
});

// Pinned on backend cpu, tolerance 1e-4: the values of this program's own first run.
const firstSteps = [
  { 'critic/score/mean': -0.36875, 'critic/vf_loss': 0.023086, 'critic/values/mean': 0, 'train/num_gen_batches': 1 },
  {
    'critic/score/mean': -0.34375,
    'critic/vf_loss': 0.006677,
    'critic/values/mean': -0.161827,
    'train/num_gen_batches': 2,
    'actor/grad_norm': 0.370283,
  },
  {
    'critic/score/mean': -0.3625,
    'critic/vf_loss': 0.008547,
    'critic/values/mean': -0.319192,
    'train/num_gen_batches': 1,
    'actor/grad_norm': 0.320063,
  },
];

test.each([1, 2, 3])('step %i is what it was when it was pinned', (step) => {
  const steps = readMetrics(join(workplace.path, 'run')).filter(({ data }) => 'critic/vf_loss' in data);
  const { data = {} } = steps.find((record) => record.step === step) ?? {};
  for (const [name, value] of Object.entries(firstSteps[step - 1] ?? {}))
    expect(data[name], name).toBeCloseTo(value, 4);
});

test('the policy stands still while the critic warms up, and both learn after', () => {
  const steps = readMetrics(join(workplace.path, 'run')).filter(({ data }) => 'critic/vf_loss' in data);
  expect(steps.map(({ data }) => 'actor/pg_loss' in data)).toEqual([false, true, true]);
});
