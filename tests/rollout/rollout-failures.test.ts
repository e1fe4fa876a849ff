import { getEventListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import { InfrastructureError } from '../../core/errors.js';
import type { Generation, InferenceEngine } from '../../core/types.js';
import type { Environment } from '../../envs/environment.js';
import { rollout } from '../../rollout/rollout.js';
import { callText, play, question, request } from './episode-fixture.js';

const call = callText('echo', { text: 'hi' });

function broken(overrides: Partial<Environment>): Environment {
  return { ...question.create({}, question.defaultTools), ...overrides };
}

/** An environment that counts how often it is disposed. */
function counted(overrides: Partial<Environment> = {}): { env: Environment; disposals: () => number } {
  let disposals = 0;
  const dispose = async (): Promise<void> => {
    disposals++;
  };
  return { env: broken({ ...overrides, [Symbol.asyncDispose]: dispose }), disposals: () => disposals };
}

function engineOf(generation: Partial<Generation>): InferenceEngine {
  const whole: Generation = {
    tokens: [65, 258],
    logprobs: [-1, -1],
    versions: [0, 0],
    finishReason: 'stop',
    ...generation,
  };
  return { generate: async () => whole };
}

describe('a rollout fails without a reward', () => {
  it("when the engine dies after a good turn, with the engine's words", async () => {
    const death = new InfrastructureError('engine_gone', 'connection reset', { retryable: true });
    expect(await play({ script: [call, death] })).toEqual({
      status: 'failed',
      error: { code: 'engine_gone', message: 'connection reset', retryable: true },
    });
  });

  it.each<[string, Partial<Environment>]>([
    [
      'reset',
      {
        reset: () => {
          throw new TypeError('oops');
        },
      },
    ],
    [
      'step',
      {
        step: async () => {
          throw new TypeError('oops');
        },
      },
    ],
    [
      'score',
      {
        score: async () => {
          throw new TypeError('oops');
        },
      },
    ],
    [
      'dispose',
      {
        [Symbol.asyncDispose]: async () => {
          throw new TypeError('oops');
        },
      },
    ],
  ])('when %s of the environment throws, and is not retried', async (name, overrides) => {
    expect(await play({ env: broken(overrides), script: ['yes'] })).toEqual({
      status: 'failed',
      error: { code: 'env_crashed', message: `the environment's ${name} threw TypeError: oops`, retryable: false },
    });
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY])('when the reward is %d', async (value) => {
    const env = broken({ score: async () => ({ value, parts: {} }) });
    expect(await play({ env, script: ['yes'] })).toMatchObject({ status: 'failed', error: { code: 'env_crashed' } });
  });

  it.each([Number.NaN, Number.NEGATIVE_INFINITY])('when a turn earned %d', async (reward) => {
    const env = broken({ step: async () => ({ messages: [], toolCalls: [], terminated: true, reward }) });
    const error = {
      code: 'env_crashed',
      message: `reward of turn 1 is ${reward} (question-train-0)`,
      retryable: false,
    };
    expect(await play({ env, script: ['yes'] })).toEqual({ status: 'failed', error });
  });

  it.each<[string, Partial<Generation>]>([
    ['nothing', { tokens: [], logprobs: [], versions: [] }],
    [
      'more than it was asked for',
      { tokens: Array(200).fill(65), logprobs: Array(200).fill(0), versions: Array(200).fill(0) },
    ],
    ['a stop without a stop token', { tokens: [65, 66] }],
    ['a cut after a stop token', { finishReason: 'length' }],
    ['fewer log-probs than tokens', { logprobs: [-1] }],
    ['fewer versions than tokens', { versions: [0] }],
  ])('when the engine returns %s', async (_claim, generation) => {
    const outcome = await play({ engine: engineOf(generation) });
    expect(outcome).toMatchObject({ status: 'failed', error: { code: 'rollout_crashed', retryable: false } });
  });

  it('when scoring does not end, within its own deadline', async () => {
    const env = broken({ score: () => new Promise(() => {}) });
    const outcome = await play({ env, script: ['yes'], config: { episodeDeadlineMs: 100 } });
    expect(outcome).toMatchObject({ status: 'failed', error: { code: 'scoring_deadline', retryable: true } });
  });
});

describe('abort', () => {
  it('cancels an episode whose engine, environment and scorer ignore it', async () => {
    const forever = (): Promise<never> => new Promise(() => {});
    for (const stuck of [
      { engine: { generate: forever } },
      { env: broken({ step: forever }) },
      { env: broken({ score: forever }) },
    ]) {
      const controller = new AbortController();
      const outcome = rollout(request({ script: ['yes'], ...stuck }), controller.signal);
      setImmediate(() => controller.abort(new Error('enough')));
      expect(await outcome).toEqual({ status: 'cancelled', reason: 'Error: enough' });
    }
  });

  it('before the start means that the engine is never called', async () => {
    const unused = { generate: () => Promise.reject(new Error('called')) };
    expect(await rollout(request({ engine: unused }), AbortSignal.abort('gone'))).toEqual({
      status: 'cancelled',
      reason: 'gone',
    });
  });
});

describe('the environment is disposed exactly once', () => {
  it.each<[string, Partial<Environment>]>([
    ['a scored episode', {}],
    ['a crash', { step: () => Promise.reject(new TypeError('oops')) }],
  ])('after %s', async (_claim, overrides) => {
    const { env, disposals } = counted(overrides);
    await play({ env, script: ['yes'] });
    expect(disposals()).toBe(1);
  });

  it('after abort', async () => {
    const { env, disposals } = counted();
    await rollout(request({ env }), AbortSignal.abort());
    expect(disposals()).toBe(1);
  });

  it('and no listener is left on the signal', async () => {
    const { signal } = new AbortController();
    await rollout(request({ script: [call, 'yes'] }), signal);
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });
});
