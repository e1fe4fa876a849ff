import { z } from 'zod';
import { InfrastructureError } from '../core/errors.js';
import type { InferenceEngine, JobHandler, Json, Outcome, SandboxProvider } from '../core/types.js';
import type { EnvDefinition } from '../envs/environment.js';
import type { Tool } from '../tools/tool.js';
import { type RolloutConfig, samplingOverrides } from './config.js';
import { teacherEngine } from './engines/teacher.js';
import { outcomeSchema } from './outcome-schema.js';
import type { Renderer } from './renderer.js';
import { type RolloutRequest, rollout } from './rollout.js';

/** The kind of job that is one episode. */
export const EPISODE_JOB = 'episode';

const json: z.ZodType<Json> = z.json();

/** All a worker must be told about one episode; what is the same for a whole run it knows already. */
export const episodePayload = z.strictObject({
  task: z.strictObject({ id: z.string(), dataSource: z.string(), data: json }),
  split: z.enum(['train', 'eval']),
  step: z.int().min(0),
  /** Place in the group. */
  member: z.int().min(0),
  /** Names the random numbers of this member. */
  seed: z.int().min(0),
  /** Who speaks: the engine's weights or the environment's scripted teacher. */
  policy: z.enum(['model', 'teacher']),
  /** Overrides the config's: evaluation is often greedy. */
  sampling: samplingOverrides.exactOptional(),
});

export type EpisodePayload = z.infer<typeof episodePayload>;

/** What a worker holds for all episodes of a run. */
export interface EpisodeDeps {
  readonly definition: EnvDefinition;
  /** Parsed by the definition's schema. */
  readonly options: unknown;
  readonly tools: readonly Tool[];
  readonly engine: InferenceEngine;
  readonly renderer: Renderer;
  readonly config: RolloutConfig;
  readonly sandboxProvider: SandboxProvider;
}

/**
 * Runs one episode a job. A scored episode and a failure that no retry would mend are results; a failure worth another
 * attempt is thrown, so that the fabric makes it; cancellation is thrown as the signal's reason.
 */
export function episodeHandler(deps: EpisodeDeps): JobHandler {
  return async (payload, { signal }) => {
    const outcome = await rollout(episodeOf(deps, episodePayload.parse(payload)), signal);
    if (outcome.status === 'cancelled') throw signal.reason;
    if (outcome.status === 'failed' && outcome.error.retryable) throw InfrastructureError.fromFailure(outcome.error);
    return outcomeSchema.parse(outcome);
  };
}

function episodeOf(deps: EpisodeDeps, payload: EpisodePayload): RolloutRequest {
  const { definition, options, tools, renderer, sandboxProvider } = deps;
  const { task, seed, policy, sampling } = payload;
  const env = definition.create(options, tools);
  const config = { ...deps.config, ...sampling };
  const common = { task, seed, renderer, config, sandboxProvider };
  if (policy === 'model') return { ...common, env, engine: deps.engine };
  return { ...common, ...teacherEngine({ definition, options, env, task, renderer, seed }) };
}

/** The outcome a job came back with; throws InfrastructureError `bad_result` when it is none. */
export function parseOutcome(result: Json): Outcome {
  const parsed = outcomeSchema.safeParse(result);
  if (parsed.success) return parsed.data;
  const message = `an episode came back malformed: ${z.prettifyError(parsed.error)}`;
  throw new InfrastructureError('bad_result', message, { retryable: false });
}
