import { z } from 'zod';
import { assert } from '../core/errors.js';
import { Rng, rngKey } from '../core/rng.js';
import type { Action, Json, Message, Reward, Task } from '../core/types.js';
import { executeToolCall, unparsableCall } from '../tools/execute-tool-call.js';
import type { Tool } from '../tools/tool.js';
import type {
  EnvDefinition,
  Environment,
  Episode,
  EpisodeContext,
  Split,
  StepResult,
  TeachingMoment,
} from './environment.js';

/** A task whose data has the type the environment's `task` gave it. */
export type TaskOf<Data> = Omit<Task, 'data'> & { readonly data: Data };

export interface TaskRequest<Options> {
  readonly split: Split;
  readonly index: number;
  readonly seed: number;
  /** Its own stream for each (seed, environment, split, index). */
  readonly rng: Rng;
  readonly options: Options;
}

/** A finished episode with the types of its environment. */
export interface JudgedEpisode<Data, Options = unknown, State = unknown> extends Omit<Episode, 'task'> {
  readonly task: TaskOf<Data>;
  readonly options: Options;
  /** As the last step left it. */
  readonly state: State;
}

/** One part of the reward; weight 0 makes it a metric. */
export interface RewardPart<Data, Options = unknown, State = unknown> {
  readonly weight: number;
  /** A finite number; anything else fails the episode instead of counting as 0. */
  score(episode: JudgedEpisode<Data, Options, State>, context: EpisodeContext): number | Promise<number>;
}

export interface StepContext<Options, Data, State = unknown> extends EpisodeContext {
  readonly task: TaskOf<Data>;
  readonly options: Options;
  /** What `state` made at reset; a step may change it. */
  readonly state: State;
  /** Runs the action's calls in order and answers those that could not be read: one tool message each. */
  answerCalls(): Promise<Pick<StepResult, 'messages' | 'toolCalls'>>;
}

/** What an environment's author writes; `task` and `state` first, since the types of data and state are read off there. */
export interface EnvSpec<Options, Data, State = unknown> {
  readonly name: string;
  readonly description?: string;
  /** Strict zod object; every field has a default. */
  readonly options?: z.ZodType<Options>;
  /** Tools offered when the run's config names none. */
  readonly tools?: readonly Tool[];
  /** Problem `index` of a split; no problem of one split may appear in the other. The id defaults to name-split-index. */
  task(request: TaskRequest<Options>): { readonly id?: string; readonly data: Data };
  /** What an episode must remember beyond its task: made at reset, changed by steps, seen by rewards. */
  state?(task: TaskOf<Data>, options: Options): State;
  /** The first messages; a string is one user message. */
  prompt(task: TaskOf<Data>, options: Options): string | readonly Message[];
  /** The episode's reward is their weighted sum and, on top of it, what steps gave as `reward`. */
  readonly rewards: { readonly [name: string]: RewardPart<Data, Options, State> };
  /** By default calls are answered, a cut turn is asked to be shorter, and a turn without calls ends the task. */
  step?(action: Action, context: StepContext<Options, Data, State>): StepResult | Promise<StepResult>;
  /** The answer that majority votes count, '' for none; by default the episode's answer. */
  pred?(episode: JudgedEpisode<Data, Options, State>): string;
  /** What a scripted teacher would say next. */
  demonstrate?(moment: Omit<TeachingMoment, 'task'> & { readonly task: TaskOf<Data> }, options: Options): Message;
}

/** An environment from one short description. */
export function defineEnv<Data extends Json, Options = Record<string, never>, State = undefined>(
  spec: EnvSpec<Options, Data, State>,
): EnvDefinition {
  // They come back as they went out: what `task` and `state` returned and `options` parsed is what the other methods get.
  const erased: EnvSpec<unknown, Json> = spec;
  return {
    kind: 'env',
    name: spec.name,
    description: spec.description ?? '',
    options: spec.options ?? z.strictObject({}),
    defaultTools: spec.tools ?? [],
    task: (options, split, index, seed) => makeTask(erased, { options, split, index, seed }),
    create: (options, tools) => createEnvironment(erased, options, tools),
    ...(spec.demonstrate && { demonstrate: (options, moment) => demonstration(erased, options, moment) }),
  };
}

function makeTask(spec: EnvSpec<unknown, Json>, request: Omit<TaskRequest<unknown>, 'rng'>): Task {
  const { split, index, seed } = request;
  const rng = new Rng(rngKey(seed, spec.name, split, index));
  const { id, data } = spec.task({ ...request, rng });
  return { id: id ?? `${spec.name}-${split}-${index}`, dataSource: spec.name, data };
}

function createEnvironment(spec: EnvSpec<unknown, Json>, options: unknown, tools: readonly Tool[]): Environment {
  let current: { readonly task: Task; readonly state: unknown } | undefined;
  const turnRewards: number[] = [];
  return {
    tools,
    async reset(task) {
      current = { task, state: spec.state?.(task, options) };
      const prompt = spec.prompt(task, options);
      return typeof prompt === 'string' ? [{ role: 'user', content: prompt }] : prompt;
    },
    async step(action, context) {
      assert(current !== undefined, `${spec.name} was stepped before reset`);
      const answerCalls = () => answerAll(action, tools, context);
      const stepContext = { ...context, ...current, options, answerCalls };
      const result = await (spec.step?.(action, stepContext) ?? defaultStep(action, stepContext));
      if (result.reward !== undefined) turnRewards.push(result.reward);
      return result;
    },
    score(episode, context) {
      const state = current === undefined ? spec.state?.(episode.task, options) : current.state;
      return weigh(spec, { ...episode, options, state, turnRewards }, context);
    },
    async [Symbol.asyncDispose]() {},
  };
}

/** Calls are answered, a turn that was cut is asked to be shorter, and any other turn is the final answer. */
async function defaultStep(action: Action, context: StepContext<unknown, Json>): Promise<StepResult> {
  if (action.toolCalls.length + action.parseErrors.length > 0)
    return { ...(await context.answerCalls()), terminated: false };
  if (action.isComplete) return { messages: [], toolCalls: [], terminated: true };
  const content = 'Your turn was cut because it was too long. Be brief.';
  return { messages: [{ role: 'user', content }], toolCalls: [], terminated: false };
}

async function answerAll(
  action: Action,
  tools: readonly Tool[],
  context: EpisodeContext,
): Promise<Pick<StepResult, 'messages' | 'toolCalls'>> {
  const answers = [];
  for (const call of action.toolCalls) answers.push(await executeToolCall(call, tools, context));
  answers.push(...action.parseErrors.map(unparsableCall));
  return { messages: answers.map(({ message }) => message), toolCalls: answers.map(({ record }) => record) };
}

/** Parts by name; what the turns earned is the part `turn_rewards`, there only if a turn had a reward. */
async function weigh(
  spec: EnvSpec<unknown, Json>,
  episode: JudgedEpisode<Json> & { readonly turnRewards: readonly number[] },
  context: EpisodeContext,
): Promise<Reward> {
  const parts: Record<string, number> = {};
  let value = 0;
  for (const [name, reward] of Object.entries(spec.rewards)) {
    const part = await reward.score(episode, context);
    if (!Number.isFinite(part)) throw new Error(`reward ${name} of ${spec.name} is ${part} (${episode.task.id})`);
    parts[name] = part;
    value += reward.weight * part;
  }
  if (episode.turnRewards.length > 0) {
    parts.turn_rewards = episode.turnRewards.reduce((sum, reward) => sum + reward, 0);
    value += parts.turn_rewards;
  }
  const pred = spec.pred?.(episode) ?? episode.answer;
  return pred === '' ? { value, parts } : { value, parts, pred };
}

function demonstration(spec: EnvSpec<unknown, Json>, options: unknown, moment: TeachingMoment): Message {
  assert(spec.demonstrate !== undefined, `${spec.name} has no teacher`);
  return spec.demonstrate(moment, options);
}
