import { monitorEventLoopDelay } from 'node:perf_hooks';
import { expect, test } from 'vitest';
import { ConfigError } from '../../../core/errors.js';
import type { Trainer, TrainSequence, UpdateOptions } from '../../../core/types.js';
import { listen, never, trainSequence, updateOptions } from '../../helpers/policy-server.js';
import { spawnTwinServer } from '../../helpers/spawn-twin-server.js';
import { openTwinPolicy } from '../../helpers/twin-policy.js';
import { trainerConformance } from './conformance.js';

trainerConformance('twin', async () => openTwinPolicy());
trainerConformance('http', () => listen());

const { model, policyLoss, entropyCoeff, klLossCoef, klLossType, vfCoef, cliprangeValue, temperature, ...passes } =
  updateOptions;

test('a batch arrives bit for bit', async () => {
  const received: TrainSequence[] = [];
  await using server = await listen({ trainer: recorder(received) });
  const sent = [
    { ...trainSequence(7), group: 0 },
    { tokens: [0, 2 ** 31 - 1], mask: [0, 1], logprobs: [0, -1e-300], advantages: [0.1 + 0.2, -5e-324], group: -1 },
    {
      ...trainSequence(2),
      group: 7,
      refLogprobs: [0, -1 / 3],
      rolloutIsWeights: [0, 1.7],
      values: [0, 0.1],
      returns: [0, -2.5],
      isOffPolicy: true,
      outcome: 0.25,
    },
    { ...trainSequence(0), group: 1 },
  ] satisfies TrainSequence[];
  await server.trainer.update(sent, updateOptions, never);
  expect(received).toEqual(sent);
});

test.each<UpdateOptions>([
  { ...passes, model: 'critic', cliprangeValue: 0.5 },
  { ...passes, model: 'processReward', beta: 0.1, temperature: 1 },
  { ...passes, model: 'rewardModel' },
])('the options of an update of $model arrive', async (options) => {
  const received: UpdateOptions[] = [];
  const update = async (_sequences: readonly TrainSequence[], options: UpdateOptions) => {
    received.push(options);
    return {};
  };
  await using server = await listen({ trainer: { ...recorder([]), update } });
  await server.trainer.update([trainSequence(3)], options, never);
  expect(received).toEqual([options]);
});

test('a metric that is not finite arrives as NaN', async () => {
  const trainer = { ...recorder([]), update: async () => ({ good: 1, bad: Number.POSITIVE_INFINITY }) };
  await using server = await listen({ trainer });
  expect(await server.trainer.update([], updateOptions, never)).toEqual({ good: 1, bad: Number.NaN });
});

test('a sequence whose arrays differ in length is not sent', async () => {
  await using server = await listen();
  const broken = { ...trainSequence(4), mask: [1] as const };
  const update = async () => server.trainer.update([broken], updateOptions, never);
  await expect(update).rejects.toThrow('invariant broken: sequence 0 has 4, 1, 4, 4 tokens, mask entries');
});

test('a batch too large for one update is a ConfigError before anything is sent', async () => {
  await using server = await listen();
  const long = new Array(13_000_000);
  const batch = [{ tokens: long, mask: long, logprobs: long, advantages: long }];
  await expect(server.trainer.update(batch, updateOptions, never)).rejects.toBeInstanceOf(ConfigError);
});

test('sending a big batch leaves the event loop of the client responsive', async () => {
  await using server = await spawnTwinServer();
  const batch = Array.from({ length: 512 }, () => trainSequence(200));
  await server.trainer.update(batch, updateOptions, never);
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  for (let i = 0; i < 40; i++) await server.trainer.update(batch, updateOptions, never);
  delay.disable();
  expect(delay.percentile(99) / 1e6).toBeLessThan(50);
});

function recorder(received: TrainSequence[]): Trainer {
  return {
    infer: async () => ({}),
    update: async (sequences) => {
      received.push(...sequences);
      return {};
    },
    publish: async () => 0,
    save: async () => {},
    load: async () => {},
  };
}
