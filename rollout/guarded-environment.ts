import { InfrastructureError } from '../core/errors.js';
import { untilAborted } from '../core/until-aborted.js';
import type { Environment } from '../envs/environment.js';

/**
 * The same environment, held to the contract: each call ends when its signal aborts, and whatever it throws that is not
 * an InfrastructureError becomes one, `env_crashed`, which no retry would mend.
 */
export function guardedEnvironment(env: Environment): Environment {
  return {
    tools: env.tools,
    reset: (task, context) => guarded('reset', context.signal, () => env.reset(task, context)),
    step: (action, context) => guarded('step', context.signal, () => env.step(action, context)),
    score: (episode, context) => guarded('score', context.signal, () => env.score(episode, context)),
    [Symbol.asyncDispose]: () =>
      guarded('dispose', new AbortController().signal, async () => env[Symbol.asyncDispose]()),
  };
}

async function guarded<T>(call: string, signal: AbortSignal, run: () => Promise<T>): Promise<T> {
  signal.throwIfAborted();
  try {
    return await untilAborted(run(), signal);
  } catch (error) {
    if (signal.aborted || error instanceof InfrastructureError) throw error;
    throw new InfrastructureError('env_crashed', `the environment's ${call} threw ${String(error)}`, {
      retryable: false,
      cause: error,
    });
  }
}
