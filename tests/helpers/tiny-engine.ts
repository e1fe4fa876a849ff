import { LocalEngine } from '../../rollout/engines/local.js';
import { openTinyPolicy, type TinyPolicy } from './tiny-policy.js';

export interface TinyEngine extends AsyncDisposable {
  readonly engine: LocalEngine;
  readonly trainer: TinyPolicy['trainer'];
}

/** Engine and trainer over one real policy, the way a policy server holds them. */
export function openTinyEngine(): TinyEngine {
  const tiny = openTinyPolicy();
  const engine = new LocalEngine(tiny.sampler, { maxBatchSize: 8 });
  return {
    engine,
    trainer: tiny.trainer,
    async [Symbol.asyncDispose]() {
      await engine[Symbol.asyncDispose]();
      tiny[Symbol.dispose]();
    },
  };
}
