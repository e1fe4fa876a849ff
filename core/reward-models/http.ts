import { setTimeout as delay } from 'node:timers/promises';
import { Agent } from 'undici';
import { z } from 'zod';
import { Deadline } from '../deadline.js';
import { ConfigError, InfrastructureError } from '../errors.js';
import { LinkedAbort } from '../linked-abort.js';
import type { HttpRewardModelConfig } from './config.js';
import { type JudgedEpisode, type Judgement, notJudged, type RewardModel } from './reward-model.js';

const code = 'reward_model_failed';

export interface HttpRewardModelOptions {
  /** Where the variable that `apiKeyEnv` names is looked up. */
  readonly env: { readonly [name: string]: string | undefined };
  /** Pause before the first retry; doubles with each, at most 30 s. */
  readonly backoffMs?: number;
}

/**
 * Asks a server for scores: POST {inputs: [{messages, task, data_source, response}]}, answered by {scores: [number | null]}, null where
 * an episode cannot be judged. No answer, a 5xx, 408, 429 and an answer of another form are tried again; then the episodes of that
 * request are failures. Any other status is a ConfigError until the server has once answered. Owns its connections.
 */
export class HttpRewardModel implements RewardModel, AsyncDisposable {
  readonly weight: number;
  readonly #config: HttpRewardModelConfig;
  readonly #backoffMs: number;
  readonly #headers: { readonly [name: string]: string };
  readonly #agent: Agent;
  #hasAnswered = false;

  constructor(config: HttpRewardModelConfig, { env, backoffMs = 500 }: HttpRewardModelOptions) {
    this.weight = config.weight;
    this.#config = config;
    this.#backoffMs = backoffMs;
    this.#headers = { 'content-type': 'application/json', ...authorization(config, env) };
    this.#agent = new Agent({ connections: config.concurrency, headersTimeout: 0, bodyTimeout: 0 });
  }

  async judge(episodes: readonly JudgedEpisode[], signal: AbortSignal): Promise<Judgement[]> {
    signal.throwIfAborted();
    const { batchSize, concurrency } = this.#config;
    const starts = Array.from({ length: Math.ceil(episodes.length / batchSize) }, (_, i) => i * batchSize);
    const judgements: Judgement[][] = starts.map(() => []);
    const failed = new AbortController();
    using either = new LinkedAbort(signal, failed.signal);
    const queue = starts.entries();
    const work = async (): Promise<void> => {
      for (const [i, start] of queue) {
        judgements[i] = await this.#judgeBatch(episodes.slice(start, start + batchSize), either.signal);
      }
    };
    const workers = Array.from({ length: Math.min(concurrency, starts.length) }, () =>
      work().catch((error: unknown) => failed.abort(error)),
    );
    await Promise.all(workers);
    failed.signal.throwIfAborted();
    return judgements.flat();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#agent.destroy();
  }

  async #judgeBatch(episodes: readonly JudgedEpisode[], signal: AbortSignal): Promise<Judgement[]> {
    for (let attempt = 0; ; attempt++) {
      try {
        return await this.#ask(episodes, signal);
      } catch (error) {
        signal.throwIfAborted();
        if (!(error instanceof InfrastructureError)) throw error;
        if (!error.retryable || attempt >= this.#config.maxRetries) return episodes.map(() => error.toFailure());
      }
      await pause(Math.min(30_000, this.#backoffMs * 2 ** attempt), signal);
    }
  }

  async #ask(episodes: readonly JudgedEpisode[], signal: AbortSignal): Promise<Judgement[]> {
    const { url, timeoutMs } = this.#config;
    using deadline = new Deadline(signal, timeoutMs);
    const { status, text } = await this.#send({ inputs: episodes.map(inputOf) }, deadline.signal).catch((cause) => {
      const problem = deadline.isExpired ? `did not answer within ${timeoutMs} ms` : `cannot be reached: ${cause}`;
      throw new InfrastructureError(code, `reward model ${url} ${problem}`, { retryable: true, cause });
    });
    if (status < 200 || status > 299) throw this.#refusal(status, text);
    const { scores } = parseAnswer(text, url);
    if (scores.length !== episodes.length) {
      const message = `reward model ${url} answered ${scores.length} scores for ${episodes.length} episodes`;
      throw new InfrastructureError(code, message, { retryable: true });
    }
    this.#hasAnswered = true;
    return scores.map((score) => score ?? notJudged(`reward model ${url} has no score for the episode`));
  }

  async #send(body: object, signal: AbortSignal): Promise<{ readonly status: number; readonly text: string }> {
    const { origin, pathname, search } = new URL(this.#config.url);
    const response = await this.#agent.request({
      origin,
      path: `${pathname}${search}`,
      method: 'POST',
      headers: this.#headers,
      body: JSON.stringify(body),
      signal,
    });
    return { status: response.statusCode, text: await response.body.text() };
  }

  #refusal(status: number, text: string): Error {
    const { url, apiKeyEnv } = this.#config;
    const said = text === '' ? '' : `: ${text.slice(0, 200)}`;
    const message = `reward model ${url} answered ${status}${said}`;
    if (status >= 500 || status === 408 || status === 429)
      return new InfrastructureError(code, message, { retryable: true });
    if (this.#hasAnswered) return new InfrastructureError(code, message, { retryable: false });
    if (status !== 401 && status !== 403)
      return new ConfigError(`${message}; write the address of a server that takes {inputs} as rewardModel.url`);
    const remedy =
      apiKeyEnv === undefined
        ? 'name the environment variable with its key as rewardModel.apiKeyEnv'
        : `set ${apiKeyEnv} to a key that it takes`;
    return new ConfigError(`${message}; ${remedy}`);
  }
}

function authorization(
  { apiKeyEnv }: HttpRewardModelConfig,
  env: HttpRewardModelOptions['env'],
): { readonly [name: string]: string } {
  if (apiKeyEnv === undefined) return {};
  const key = env[apiKeyEnv] ?? '';
  if (key !== '') return { authorization: `Bearer ${key}` };
  throw new ConfigError(
    `rewardModel.apiKeyEnv: the environment variable ${apiKeyEnv} is not set; set it or leave it out`,
  );
}

function inputOf({ task, trajectory: { messages, dataSource } }: JudgedEpisode): object {
  const response = messages.findLast(({ role }) => role === 'assistant')?.content ?? '';
  return { messages, task: task.data, data_source: dataSource, response };
}

const answerSchema = z.object({ scores: z.array(z.number().nullable()) });

function parseAnswer(text: string, url: string): z.output<typeof answerSchema> {
  try {
    return answerSchema.parse(JSON.parse(text));
  } catch (cause) {
    const message = `reward model ${url} did not answer {"scores": [number | null]} but ${text.slice(0, 200)}`;
    throw new InfrastructureError(code, message, { retryable: true, cause });
  }
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal }).catch((error: unknown) => {
    signal.throwIfAborted();
    throw error;
  });
}
