import { InfrastructureError } from '../../core/errors.js';
import type { Tokenizer } from '../../core/text/tokenizer.js';
import type { Generation, InferenceEngine, Sampling } from '../../core/types.js';

/** What the engine does at one call: say a text and end the turn, emit these tokens, or fail. */
export type ScriptedTurn = string | readonly number[] | Error;

export interface EngineCall {
  readonly tokens: readonly number[];
  readonly sampling: Sampling;
}

/**
 * The in-memory twin of InferenceEngine: replays a list of turns, or asks a function for each, and remembers its calls.
 * Turns are cut at `maxTokens` and after the first stop token, as a real engine's are. The log-prob of the k-th token of
 * a turn is -1/(k+1). Throws InfrastructureError `script_exhausted` when the list has no turn left.
 */
export class ScriptedEngine implements InferenceEngine {
  readonly calls: EngineCall[] = [];
  readonly #tokenizer: Tokenizer;
  readonly #nextTurn: (call: EngineCall) => ScriptedTurn | undefined;
  readonly #version: number;

  constructor(
    tokenizer: Tokenizer,
    script: readonly ScriptedTurn[] | ((call: EngineCall) => ScriptedTurn),
    options: { readonly version?: number } = {},
  ) {
    const turns = typeof script === 'function' ? [] : script.slice();
    this.#tokenizer = tokenizer;
    this.#nextTurn = typeof script === 'function' ? script : () => turns.shift();
    this.#version = options.version ?? 0;
  }

  async generate(tokens: readonly number[], sampling: Sampling, signal: AbortSignal): Promise<Generation> {
    signal.throwIfAborted();
    const call = { tokens: tokens.slice(), sampling };
    this.calls.push(call);
    const turn = this.#nextTurn(call);
    if (turn === undefined) {
      throw new InfrastructureError('script_exhausted', `the script has no turn for call ${this.calls.length}`, {
        retryable: false,
      });
    }
    if (turn instanceof Error) throw turn;
    return this.#generation(typeof turn === 'string' ? this.#endedTurn(turn, sampling) : turn, sampling);
  }

  #endedTurn(text: string, sampling: Sampling): number[] {
    return [...this.#tokenizer.encode(text), ...sampling.stopTokens.slice(0, 1)];
  }

  #generation(turn: readonly number[], sampling: Sampling): Generation {
    const stop = turn.findIndex((token) => sampling.stopTokens.includes(token));
    const length = Math.min(stop < 0 ? turn.length : stop + 1, sampling.maxTokens);
    const tokens = turn.slice(0, length);
    return {
      tokens,
      logprobs: tokens.map((_, k) => -1 / (k + 1)),
      versions: tokens.map(() => this.#version),
      finishReason: stop >= 0 && stop < length ? 'stop' : 'length',
    };
  }
}
