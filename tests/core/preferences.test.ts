import { beforeAll, describe, expect, it } from 'vitest';
import { algorithmConfig } from '../../core/algorithm-config.js';
import { parseConfig } from '../../core/config.js';
import { useBackend } from '../../core/tensor/backend.js';
import { sampledCount, scoredTrajectories } from '../../core/trajectories.js';
import type { Metrics, Trajectory, TrajectoryGroup } from '../../core/types.js';
import { detectedBackend } from '../helpers/backend.js';
import { never } from '../helpers/tiny-policy.js';
import { openTinyHouse, runTiny, type TinyHouse } from '../helpers/tiny-run.js';

/** By how much the training made the episode likelier: its log-prob now less that when it was sampled. */
async function gain({ tiny }: TinyHouse, { sequences }: Trajectory): Promise<number> {
  const options = { columns: ['logprobs'], temperature: 1, ppoMaxTokenLenPerGpu: 400 } as const;
  const { logprobs } = await tiny.trainer.infer(sequences, options, never);
  const sum = (rows: readonly (readonly number[])[]): number => rows.flat().reduce((a, b) => a + b, 0);
  return sum(logprobs ?? []) - sum(sequences.map((one) => one.logprobs));
}

interface Preferred {
  /** Gains of the best and of the worst episode of each group whose rewards differ. */
  readonly pairs: readonly { readonly best: number; readonly worst: number }[];
  readonly metrics: Metrics;
}

/** One step of the real loop, with several passes over what it sampled. */
async function oneStep(algorithm: object): Promise<Preferred> {
  await using house = openTinyHouse();
  const groups: TrajectoryGroup[] = [];
  const score = async (collected: readonly TrajectoryGroup[]) => {
    groups.push(...collected);
    return collected;
  };
  const options = { totalTrainingSteps: 1, trainBatchSize: 4, parts: { score } };
  const { metrics, error } = await runTiny(house, {
    ...options,
    algorithm: { ppoMiniBatchSize: 12, ppoEpochs: 6, ...algorithm },
  });
  expect(error).toBeUndefined();
  const pairs = [];
  for (const group of groups) {
    const ranked = [...scoredTrajectories(group)]
      .filter(({ sequences }) => sequences.some((one) => sampledCount(one) > 0))
      .sort((a, b) => b.reward.value - a.reward.value);
    const [best, worst] = [ranked.at(0), ranked.at(-1)];
    if (best === undefined || worst === undefined || best.reward.value === worst.reward.value) continue;
    pairs.push({ best: await gain(house, best), worst: await gain(house, worst) });
  }
  expect(pairs.length).toBeGreaterThan(1);
  return { pairs, metrics: metrics[0]! };
}

describe('in the loop', () => {
  beforeAll(async () => {
    await useBackend(detectedBackend);
  });

  it('dpo on the best and the worst of each group makes the best likelier than the worst', async () => {
    const { pairs, metrics } = await oneStep({
      advEstimator: { name: 'best_vs_worst' },
      policyLoss: { name: 'dpo', dpoBeta: 0.5 },
    });
    for (const { best, worst } of pairs) expect(best).toBeGreaterThan(worst);
    expect(metrics['actor/dpo_loss']).toBeLessThan(Math.log(2));
    expect(metrics['actor/dpo_accuracy']).toBeGreaterThan(0.5);
  });

  it('sppo on win rates makes winners likelier than losers', async () => {
    const { pairs } = await oneStep({ advEstimator: { name: 'win_rate' }, policyLoss: { name: 'sppo', sppoEta: 10 } });
    for (const { best, worst } of pairs) expect(best).toBeGreaterThan(worst);
  });

  it('sft on the best of n makes the best likelier', async () => {
    const { pairs } = await oneStep({ advEstimator: { name: 'best_of_n' }, policyLoss: { name: 'sft' } });
    for (const { best } of pairs) expect(best).toBeGreaterThan(0);
  });
});

describe('a preference loss', () => {
  it.each([
    ['dpo', 'grpo', 'write best_vs_worst or win_rate'],
    ['dpo', 'best_of_n', 'write best_vs_worst or win_rate'],
    ['sppo', 'best_vs_worst', 'write win_rate'],
    ['sft', 'grpo', 'write best_of_n, or gpg as policyLoss.name'],
  ])('%s with %s is refused with a remedy', (loss, name, remedy) => {
    const input = { policyLoss: { name: loss }, advEstimator: { name } };
    const parse = () => parseConfig(algorithmConfig, input, { source: 'run.yaml' });
    expect(parse).toThrow(`run.yaml: advEstimator.name: is ${name}, but the policy loss ${loss} `);
    expect(parse).toThrow(remedy);
  });

  it.each([
    ['dpo', 'best_vs_worst'],
    ['dpo', 'win_rate'],
    ['sppo', 'win_rate'],
    ['sft', 'best_of_n'],
    ['vanilla', 'best_of_n'],
    ['gspo', 'win_rate'],
  ])('%s with %s is taken', (loss, name) => {
    const input = { policyLoss: { name: loss }, advEstimator: { name } };
    expect(algorithmConfig.parse(input).advEstimator.name).toBe(name);
  });
});
