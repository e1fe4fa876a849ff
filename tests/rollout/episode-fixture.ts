import { z } from 'zod';
import { byteTokenizer } from '../../core/text/byte-tokenizer.js';
import type { InferenceEngine, Outcome, SandboxProvider, Trajectory } from '../../core/types.js';
import { defineEnv } from '../../envs/define-env.js';
import type { EnvDefinition, Environment } from '../../envs/environment.js';
import { type RolloutConfig, rolloutConfig } from '../../rollout/config.js';
import { ScriptedEngine, type ScriptedTurn } from '../../rollout/engines/scripted.js';
import { chatMlRenderer } from '../../rollout/renderer.js';
import { type RolloutRequest, rollout } from '../../rollout/rollout.js';
import { defineTool } from '../../tools/define-tool.js';
import type { Tool } from '../../tools/tool.js';

export const renderer = chatMlRenderer(byteTokenizer, { showTools: false });
export const never = new AbortController().signal;

/** Says its input back. */
export const echo = defineTool({
  name: 'echo',
  description: 'Says it back.',
  input: z.strictObject({ text: z.string() }),
  execute: async ({ text }) => ({ content: text }),
});

/** The right answer is `yes`. */
export const question = defineEnv({
  name: 'question',
  tools: [echo],
  task: ({ index }) => ({ data: index }),
  prompt: () => 'yes or no?',
  rewards: { correct: { weight: 2, score: ({ answer }) => (answer === 'yes' ? 1 : 0) } },
});

/** A provider for episodes that have no business with a sandbox. */
export const noSandbox: SandboxProvider = {
  name: 'none',
  create: async () => {
    throw new Error('this episode should not have asked for a sandbox');
  },
  async [Symbol.asyncDispose]() {},
};

/** A well-formed hermes call as text. */
export function callText(name: string, args: object): string {
  return `<tool_call>\n${JSON.stringify({ name, arguments: args })}\n</tool_call>`;
}

export interface EpisodeOptions {
  readonly script?: readonly ScriptedTurn[];
  readonly engine?: InferenceEngine;
  readonly definition?: EnvDefinition;
  readonly tools?: readonly Tool[];
  readonly env?: Environment;
  readonly config?: Partial<RolloutConfig>;
  readonly sandboxProvider?: SandboxProvider;
  readonly seed?: number;
}

/** A request for one episode of `question`, unless told otherwise, with a clock that stands still. */
export function request(options: EpisodeOptions): RolloutRequest {
  const definition = options.definition ?? question;
  const parsed = definition.options.parse({});
  return {
    env: options.env ?? definition.create(parsed, options.tools ?? definition.defaultTools),
    task: definition.task(parsed, 'train', 0, 1),
    engine: options.engine ?? new ScriptedEngine(byteTokenizer, options.script ?? []),
    renderer,
    config: rolloutConfig.parse(options.config ?? {}),
    seed: options.seed ?? 7,
    sandboxProvider: options.sandboxProvider ?? noSandbox,
    now: () => 0,
  };
}

export async function play(options: EpisodeOptions): Promise<Outcome> {
  return await rollout(request(options), never);
}

/** The trajectory of an episode that has to be scored. */
export async function playScored(options: EpisodeOptions): Promise<Trajectory> {
  const outcome = await play(options);
  if (outcome.status !== 'scored') throw new Error(`the episode was not scored: ${JSON.stringify(outcome)}`);
  return outcome.trajectory;
}
