import type { z } from 'zod';
import type { Rng } from '../core/rng.js';
import type { Action, Message, Reward, Sandbox, StopReason, Task, ToolCallRecord } from '../core/types.js';
import type { Tool } from '../tools/tool.js';

export type Split = 'train' | 'eval';

/** What one episode may use. */
export interface EpisodeContext {
  readonly signal: AbortSignal;
  /** The episode's sandbox, made at the first call; the rollout disposes it. */
  sandbox(): Promise<Sandbox>;
}

/** The environment's answer to one action. `terminated` is about the task; budgets are the rollout's business. */
export interface StepResult {
  readonly messages: readonly Message[];
  readonly terminated: boolean;
  readonly toolCalls: readonly ToolCallRecord[];
  /** What this turn earned, a finite number: a share of the episode's reward that comes early. */
  readonly reward?: number;
}

/** What rewards look at once the episode is over. */
export interface Episode {
  readonly task: Task;
  /** Everything said, the prompt included. */
  readonly messages: readonly Message[];
  /** Text of the last assistant message if it called no tool and was not cut by a budget, else ''. */
  readonly answer: string;
  readonly stopReason: StopReason;
}

/** One episode's world: used once and thrown away. */
export interface Environment extends AsyncDisposable {
  readonly tools: readonly Tool[];
  reset(task: Task, context: EpisodeContext): Promise<readonly Message[]>;
  step(action: Action, context: EpisodeContext): Promise<StepResult>;
  /** The episode's whole reward, what its turns earned included. */
  score(episode: Episode, context: EpisodeContext): Promise<Reward>;
}

/** What an environment may ask about the run while it opens its files. */
export interface OpenContext {
  /** The run's; options of an environment may name another. */
  readonly seed: number;
  /** The tools the run offers. */
  readonly tools: readonly Tool[];
  /** Tokens of a prompt as the policy will see it; throws where it cannot be rendered. */
  countTokens(messages: readonly Message[], tools: readonly Tool[]): number;
}

/** An environment by name: where its tasks come from and how an episode of it is made. */
export interface EnvDefinition<Options = unknown> {
  readonly kind: 'env';
  readonly name: string;
  readonly description: string;
  /** Strict zod object; every field has a default. */
  readonly options: z.ZodType<Options>;
  /** Tools offered when the run's config names none. */
  readonly defaultTools: readonly Tool[];
  /**
   * Where tasks come from files: the same environment with its files read, which knows its tasks. Called once, before any work; throws
   * ConfigError where they are not as they should be. Episodes need what their task holds only, so workers do without.
   */
  open?(options: Options, context: OpenContext, signal: AbortSignal): Promise<EnvDefinition<Options>>;
  /** Task `index` of a split: a pure function of its arguments. No task of one split appears in the other. */
  task(options: Options, split: Split, index: number, seed: number): Task;
  create(options: Options, tools: readonly Tool[]): Environment;
  /** What a scripted teacher would say next: demonstrations for the warm start. */
  demonstrate?(options: Options, moment: TeachingMoment): Message;
}

export interface TeachingMoment {
  readonly task: Task;
  readonly messages: readonly Message[];
  readonly rng: Rng;
}
