import { Deadline } from '../core/deadline.js';
import { assert, InfrastructureError } from '../core/errors.js';
import { rngKey } from '../core/rng.js';
import type {
  Failure,
  Generation,
  InferenceEngine,
  Outcome,
  Reward,
  Sampling,
  SandboxProvider,
  StopReason,
  Task,
  Trajectory,
} from '../core/types.js';
import { untilAborted } from '../core/until-aborted.js';
import type { Environment, EpisodeContext } from '../envs/environment.js';
import { describeTool } from '../tools/describe-tool.js';
import type { RolloutConfig } from './config.js';
import { EpisodeRecord } from './episode-record.js';
import { guardedEnvironment } from './guarded-environment.js';
import { LazySandbox } from './lazy-sandbox.js';
import type { Renderer } from './renderer.js';
import { stepWithinLimit } from './step-within-limit.js';

export interface RolloutRequest {
  /** Used for this episode and disposed with it. */
  readonly env: Environment;
  readonly task: Task;
  readonly engine: InferenceEngine;
  readonly renderer: Renderer;
  readonly config: RolloutConfig;
  /** Names the episode's random numbers: equal seed, equal sampling. */
  readonly seed: number;
  readonly sandboxProvider: SandboxProvider;
  /** A clock in ms for the durations among the metrics. */
  readonly now?: () => number;
}

/**
 * One episode. Never throws: a budget or the deadline running out is a scored truncation, a fault of ours or the world's
 * is `failed`, the signal's abort is `cancelled`. Environment and sandbox are gone when it returns.
 */
export async function rollout(request: RolloutRequest, signal: AbortSignal): Promise<Outcome> {
  try {
    return { status: 'scored', trajectory: await play(request, signal) };
  } catch (error) {
    if (signal.aborted) return { status: 'cancelled', reason: String(signal.reason) };
    return { status: 'failed', error: failureOf(error) };
  }
}

async function play(request: RolloutRequest, signal: AbortSignal): Promise<Trajectory> {
  await using env = guardedEnvironment(request.env);
  await using sandbox = new LazySandbox(request.sandboxProvider);
  const record = new EpisodeRecord(request.task);
  const contextOf = (signal: AbortSignal): EpisodeContext => ({ signal, sandbox: () => sandbox.get(signal) });

  using deadline = new Deadline(signal, request.config.episodeDeadlineMs);
  const stopReason = await interact({ ...request, env }, record, contextOf(deadline.signal)).catch((error: unknown) => {
    if (signal.aborted || !deadline.isExpired) throw error;
    if (record.turnCount === 0) throw noTurnInTime(request);
    return 'deadline' as const;
  });

  using scoringDeadline = new Deadline(signal, request.config.episodeDeadlineMs);
  const reward = await env
    .score(record.episode(stopReason), contextOf(scoringDeadline.signal))
    .catch((error: unknown) => {
      throw scoringDeadline.isExpired ? scoringTimedOut(request, error) : error;
    });
  assertFinite({ value: reward.value, ...reward.parts }, request.task);
  return record.trajectory(reward, stopReason);
}

/** Turn after turn until the environment says the task is over or a budget is spent. */
async function interact(request: RolloutRequest, record: EpisodeRecord, context: EpisodeContext): Promise<StopReason> {
  const { env, task, renderer, config } = request;
  const prompt = await env.reset(task, context);
  record.begin(prompt, renderer.start(prompt, env.tools.map(describeTool)));
  if (record.length >= config.maxContext) throw promptTooLong(request, record.length);

  for (let turn = 1; ; turn++) {
    const { generation, durationMs } = await generate(request, record, context.signal);
    const action = renderer.parse(generation.tokens, generation.finishReason === 'stop');
    record.act(generation, action, durationMs);
    const spent = spentBudget(config, record);
    if (spent !== undefined && !action.isComplete) return spent;

    const result = await stepWithinLimit(config.maxToolCalls, env, action, context);
    assertFinite({ [`of turn ${turn}`]: result.reward ?? 0 }, task);
    record.answer(result);
    if (result.terminated) return 'terminated';
    if (turn === config.maxTurns) return 'max_turns';
    if (spent !== undefined) return spent;

    const observation = [...(action.isComplete ? [] : renderer.closeTurn()), ...renderer.append(result.messages)];
    if (record.length + observation.length >= config.maxContext) return 'max_context';
    record.observe(observation);
  }
}

async function generate(
  { engine, renderer, config, seed, task, now = () => performance.now() }: RolloutRequest,
  record: EpisodeRecord,
  signal: AbortSignal,
): Promise<{ generation: Generation; durationMs: number }> {
  const sampling: Sampling = {
    temperature: config.temperature,
    maxTokens: Math.min(
      config.maxTurnTokens,
      config.maxResponseTokens - record.responseTokens,
      config.maxContext - record.length,
    ),
    stopTokens: renderer.stopTokens,
    seed: rngKey(seed, 'turn', record.turnCount),
    ...(config.topK > 0 && { topK: config.topK }),
    ...(config.topP < 1 && { topP: config.topP }),
    ...(config.minP > 0 && { minP: config.minP }),
  };
  const startMs = now();
  const generation = await untilAborted(engine.generate(record.tokens, sampling, signal), signal);
  assertWellFormed(generation, sampling, task);
  return { generation, durationMs: now() - startMs };
}

function assertWellFormed({ tokens, finishReason }: Generation, sampling: Sampling, task: Task): void {
  const { length } = tokens;
  assert(
    length >= 1 && length <= sampling.maxTokens,
    `asked for 1 to ${sampling.maxTokens} tokens, got ${length} (${task.id})`,
  );
  const last = tokens[length - 1];
  assert(
    (finishReason === 'stop') === (last !== undefined && sampling.stopTokens.includes(last)),
    `finish reason ${finishReason} after token ${last}, stop tokens ${sampling.stopTokens} (${task.id})`,
  );
}

function spentBudget(config: RolloutConfig, record: EpisodeRecord): StopReason | undefined {
  if (record.responseTokens >= config.maxResponseTokens) return 'max_response_tokens';
  return record.length >= config.maxContext ? 'max_context' : undefined;
}

function assertFinite(rewards: Reward['parts'], task: Task): void {
  for (const [name, value] of Object.entries(rewards)) {
    if (Number.isFinite(value)) continue;
    throw new InfrastructureError('env_crashed', `reward ${name} is ${value} (${task.id})`, { retryable: false });
  }
}

function promptTooLong({ task, config }: RolloutRequest, length: number): InfrastructureError {
  const message = `the prompt of ${task.id} has ${length} tokens, which leaves no room in maxContext ${config.maxContext}`;
  return new InfrastructureError('prompt_too_long', message, { retryable: false });
}

function noTurnInTime({ task, config }: RolloutRequest): InfrastructureError {
  const message = `no turn of ${task.id} was sampled within ${config.episodeDeadlineMs} ms`;
  return new InfrastructureError('deadline', message, { retryable: true });
}

function scoringTimedOut({ task, config }: RolloutRequest, cause: unknown): InfrastructureError {
  const message = `${task.id} was not scored within ${config.episodeDeadlineMs} ms`;
  return new InfrastructureError('scoring_deadline', message, { retryable: true, cause });
}

function failureOf(error: unknown): Failure {
  if (error instanceof InfrastructureError) return error.toFailure();
  return { code: 'rollout_crashed', message: String(error), retryable: false };
}
