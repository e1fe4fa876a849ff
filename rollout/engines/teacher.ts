import { assert, InfrastructureError } from '../../core/errors.js';
import { Rng, rngKey } from '../../core/rng.js';
import type { Generation, InferenceEngine, Message, Sampling, Task } from '../../core/types.js';
import type { EnvDefinition, Environment } from '../../envs/environment.js';
import type { Renderer } from '../renderer.js';

export interface TeacherRequest {
  readonly definition: EnvDefinition;
  readonly options: unknown;
  readonly env: Environment;
  readonly task: Task;
  readonly renderer: Renderer;
  readonly seed: number;
}

/**
 * The environment's scripted teacher in the policy's place, for one episode: roll out the returned pair and a
 * demonstration is an ordinary episode with real tool outputs. The engine reads no tokens: the environment that comes
 * with it tells it what was said. Its log-probs are 0 and its versions -1, since no weights sampled them.
 * Throws InfrastructureError `no_teacher` when the environment has none.
 */
export function teacherEngine(request: TeacherRequest): { env: Environment; engine: InferenceEngine } {
  const messages: Message[] = [];
  return { env: overheard(request.env, messages), engine: { generate: demonstrating(request, messages) } };
}

function overheard(env: Environment, messages: Message[]): Environment {
  return {
    tools: env.tools,
    async reset(task, context) {
      const prompt = await env.reset(task, context);
      messages.push(...prompt);
      return prompt;
    },
    async step(action, context) {
      const result = await env.step(action, context);
      messages.push(...result.messages);
      return result;
    },
    score: (episode, context) => env.score(episode, context),
    [Symbol.asyncDispose]: () => env[Symbol.asyncDispose](),
  };
}

function demonstrating({ definition, options, task, renderer, seed }: TeacherRequest, messages: Message[]) {
  return async (_tokens: readonly number[], sampling: Sampling, signal: AbortSignal): Promise<Generation> => {
    signal.throwIfAborted();
    if (definition.demonstrate === undefined) throw noTeacher(definition.name);
    const rng = new Rng(rngKey(seed, 'teacher', messages.length));
    const message = definition.demonstrate(options, { task, messages: messages.slice(), rng });
    assert(message.role === 'assistant', `the teacher of ${definition.name} spoke as ${message.role}`);
    messages.push(message);
    const turn = renderer.encodeAssistant(message);
    const tokens = turn.slice(0, sampling.maxTokens);
    return {
      tokens,
      logprobs: tokens.map(() => 0),
      versions: tokens.map(() => -1),
      finishReason: tokens.length < turn.length ? 'length' : 'stop',
    };
  };
}

function noTeacher(name: string): InfrastructureError {
  return new InfrastructureError('no_teacher', `environment ${name} has no demonstrate()`, { retryable: false });
}
