import { describe, expect, it } from 'vitest';
import { ConfigError } from '../../../core/errors.js';
import { type HttpRewardModelConfig, rewardModelConfig } from '../../../core/reward-models/config.js';
import { HttpRewardModel } from '../../../core/reward-models/http.js';
import type { JudgedEpisode, Judgement } from '../../../core/reward-models/reward-model.js';
import { openScoringServer, type ScoringAnswer, type ScoringRequest } from '../../helpers/scoring-server.js';
import { never } from '../../helpers/tiny-policy.js';
import { exampleGroup, exampleTrajectory } from '../../helpers/trajectories.js';

/** An episode whose answer is the text. */
function episode(text: string): JudgedEpisode {
  const [user] = exampleTrajectory().messages;
  const messages = [user!, { role: 'assistant', content: text } as const];
  return { task: exampleGroup().task, trajectory: exampleTrajectory({ messages }) };
}

function configOf(url: string, settings: object = {}): HttpRewardModelConfig {
  const config = rewardModelConfig.parse({ name: 'http', url, maxRetries: 2, ...settings });
  if (config.name !== 'http') throw new Error('not http');
  return config;
}

const env = { RM_KEY: 'secret', EMPTY: '' };

/** Scores by the lengths of responses. */
const lengths = ({ inputs }: ScoringRequest) => ({ body: { scores: inputs.map(({ response }) => response.length) } });

async function judge(
  texts: readonly string[],
  answer: (request: ScoringRequest, count: number) => ScoringAnswer,
  settings: object = {},
): Promise<{ readonly judgements: Judgement[]; readonly requests: readonly ScoringRequest[] }> {
  await using server = await openScoringServer(answer);
  await using model = new HttpRewardModel(configOf(server.url, settings), { env, backoffMs: 1 });
  return { judgements: await model.judge(texts.map(episode), never), requests: server.requests };
}

describe('an HTTP reward model', () => {
  it('posts messages, task and response and gets a score an episode', async () => {
    const { judgements, requests } = await judge(['four', 'a'], lengths);
    expect(judgements).toEqual([4, 1]);
    expect(requests[0]?.inputs[0]).toEqual({
      messages: episode('four').trajectory.messages,
      task: { a: 2, b: 2 },
      data_source: 'sum',
      response: 'four',
    });
  });

  it('asks in batches, so many at once, and keeps the order', async () => {
    const texts = Array.from({ length: 23 }, (_, i) => 'x'.repeat(i));
    const waiting: (() => void)[] = [];
    await using server = await openScoringServer(async (request, count) => {
      if (count < 3) await new Promise<void>((resolve) => waiting.push(resolve));
      for (const resolve of count === 3 ? waiting : []) resolve();
      return lengths(request);
    });
    await using model = new HttpRewardModel(configOf(server.url, { batchSize: 4, concurrency: 3 }), { env });
    expect(await model.judge(texts.map(episode), never)).toEqual(texts.map(({ length }) => length));
    expect(server.requests.map(({ inputs }) => inputs.length).sort()).toEqual([3, 4, 4, 4, 4, 4]);
    expect(server.mostOpen()).toBe(3);
  });

  it('sends the key that the environment holds', async () => {
    const { requests } = await judge(['a'], lengths, { apiKeyEnv: 'RM_KEY' });
    expect(requests[0]?.headers.authorization).toBe('Bearer secret');
  });

  it.each(['EMPTY', 'MISSING'])('whose key %s is not set is the user’s mistake', (apiKeyEnv) => {
    const config = configOf('http://127.0.0.1:1', { apiKeyEnv });
    expect(() => new HttpRewardModel(config, { env })).toThrow(`environment variable ${apiKeyEnv} is not set`);
  });
});

describe('a failure of the world', () => {
  it.each<[string, ScoringAnswer]>([
    ['503', { status: 503, body: 'busy' }],
    ['429', { status: 429, body: 'slow down' }],
    ['a wrong number of scores', { body: { scores: [1] } }],
    ['another form', { body: { score: [1, 2] } }],
    ['NaN', { body: '{"scores": [NaN, 1]}' }],
    ['a number that is infinite', { body: '{"scores": [1e999, 1]}' }],
  ])('(%s) is tried again', async (_name, bad) => {
    const { judgements, requests } = await judge(['four', 'a'], (request, count) =>
      count < 3 ? bad : lengths(request),
    );
    expect(judgements).toEqual([4, 1]);
    expect(requests).toHaveLength(3);
  });

  it('that does not end fails the episodes of its request and no others', async () => {
    const answer = (request: ScoringRequest) =>
      request.inputs.some(({ response }) => response === 'bad') ? { status: 500, body: 'crash' } : lengths(request);
    const { judgements, requests } = await judge(['four', 'bad', 'a'], answer, { batchSize: 1 });
    expect(judgements).toEqual([4, expect.objectContaining({ code: 'reward_model_failed' }), 1]);
    expect(judgements[1]).toMatchObject({ message: expect.stringContaining('answered 500: crash') });
    expect(requests).toHaveLength(5);
  });

  it('a null is an episode that cannot be judged: it alone has failed, and nothing is tried again', async () => {
    const { judgements, requests } = await judge(['a', 'b'], () => ({ body: { scores: [null, 7] } }));
    expect(judgements).toEqual([expect.objectContaining({ code: 'reward_model_failed' }), 7]);
    expect(requests).toHaveLength(1);
  });

  it('an answer that never comes ends at the deadline', async () => {
    const { judgements, requests } = await judge(['a'], () => undefined, { timeoutMs: 50, maxRetries: 1 });
    expect(judgements[0]).toMatchObject({ message: expect.stringContaining('did not answer within 50 ms') });
    expect(requests).toHaveLength(2);
  });

  it('a server that is not there fails every episode', async () => {
    const { url } = await (async () => {
      await using server = await openScoringServer(lengths);
      return server;
    })();
    await using model = new HttpRewardModel(configOf(url), { env, backoffMs: 1 });
    const [judgement] = await model.judge([episode('a')], never);
    expect(judgement).toMatchObject({ message: expect.stringContaining('cannot be reached') });
  });
});

describe('a refusal', () => {
  it.each([
    [404, 'write the address of a server that takes {inputs} as rewardModel.url'],
    [401, 'name the environment variable with its key as rewardModel.apiKeyEnv'],
  ])('%d at the first call is the user’s mistake, told at once', async (status, remedy) => {
    const answer = () => ({ status, body: 'no' });
    const refused = judge(['a', 'b', 'c'], answer, { batchSize: 1 });
    await expect(refused).rejects.toThrow(ConfigError);
    await expect(refused).rejects.toThrow(remedy);
  });

  it('of a server that has answered before fails the episodes and is not tried again', async () => {
    const { judgements, requests } = await judge(
      ['a', 'b'],
      (request, count) => (count === 1 ? lengths(request) : { status: 413, body: 'too long' }),
      { batchSize: 1, concurrency: 1 },
    );
    expect(judgements).toEqual([1, expect.objectContaining({ message: expect.stringContaining('413: too long') })]);
    expect(requests).toHaveLength(2);
  });
});

describe('an abort', () => {
  const reason = new Error('enough');

  it('ends a call in the middle with its reason', async () => {
    const controller = new AbortController();
    await using server = await openScoringServer(() => void controller.abort(reason));
    await using model = new HttpRewardModel(configOf(server.url), { env });
    await expect(model.judge([episode('a')], controller.signal)).rejects.toBe(reason);
  });

  it('ends the pause before a retry', async () => {
    const controller = new AbortController();
    await using server = await openScoringServer(() => {
      setImmediate(() => controller.abort(reason));
      return { status: 503, body: '' };
    });
    await using model = new HttpRewardModel(configOf(server.url), { env, backoffMs: 1e9 });
    await expect(model.judge([episode('a')], controller.signal)).rejects.toBe(reason);
  });
});
