import { setMaxListeners } from 'node:events';
import type { AddressInfo } from 'node:net';
import type { ActorUpdateOptions, TrainSequence } from '../../core/types.js';
import { HttpEngine } from '../../rollout/engines/http.js';
import type { PausableEngine } from '../../rollout/engines/local.js';
import { createPolicyServer, type PolicyServerParts } from '../../rollout/policy-server/server.js';
import { HttpTrainer } from '../../rollout/trainers/http.js';
import { openTwinPolicy, type TwinPolicy } from './twin-policy.js';

export interface ListeningPolicy extends AsyncDisposable {
  readonly url: string;
  readonly policy: TwinPolicy;
  readonly engine: HttpEngine;
  readonly trainer: HttpTrainer;
  /** Ends the server and leaves the clients. */
  close(): Promise<void>;
}

/** A real server over a twin policy, with clients; parts of the policy can be replaced. */
export async function listen(parts: Partial<PolicyServerParts> = {}, timeoutMs = 20_000): Promise<ListeningPolicy> {
  const policy = openTwinPolicy();
  const app = createPolicyServer({ ...policy, ...parts });
  await app.listen({ host: '127.0.0.1', port: 0 });
  const url = `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`;
  const engine = new HttpEngine(url, { timeoutMs });
  const trainer = new HttpTrainer(url, { timeoutMs });
  const close = async (): Promise<void> => {
    await app.close();
    await policy[Symbol.asyncDispose]();
  };
  const dispose = async (): Promise<void> => {
    await engine[Symbol.asyncDispose]();
    await trainer[Symbol.asyncDispose]();
    await close();
  };
  return { url, policy, engine, trainer, close, [Symbol.asyncDispose]: dispose };
}

/** Resolves when the twin has begun to decode, so that what follows happens in the middle of a call. */
export async function decoding({ sampler }: TwinPolicy): Promise<void> {
  const { steps } = sampler;
  await until(() => sampler.size > 0 && sampler.steps > steps + 2);
}

/** Polls the event loop until the claim holds; the test's own time limit is the deadline. */
export async function until(claim: () => boolean): Promise<void> {
  while (!claim()) await new Promise((resolve) => setImmediate(resolve));
}

/** An engine whose calls end by their signal only; tells how many are open. */
export class EndlessEngine implements PausableEngine {
  open = 0;

  async generate(_tokens: unknown, _sampling: unknown, signal: AbortSignal): Promise<never> {
    this.open++;
    await new Promise((resolve) => signal.addEventListener('abort', resolve));
    this.open--;
    throw signal.reason;
  }

  async pause(): Promise<Disposable> {
    return { [Symbol.dispose]: () => {} };
  }
}

/** A signal that does not abort; many calls at once listen to it. */
export const never = new AbortController().signal;
setMaxListeners(0, never);

export const sampling = { temperature: 1, maxTokens: 12, stopTokens: [], seed: 7 };

/** Longer than any test takes: only an abort ends it. */
export const endless = { ...sampling, maxTokens: 1_000_000 };

export const updateOptions: ActorUpdateOptions = {
  model: 'actor',
  policyLoss: { name: 'vanilla', clipRatioLow: 0.2, clipRatioHigh: 0.2 },
  lossAggMode: 'token-mean',
  lossScaleFactor: 1,
  entropyCoeff: 0,
  klLossCoef: 0,
  klLossType: 'low_var_kl',
  vfCoef: 0,
  cliprangeValue: 0.5,
  shuffle: false,
  seed: 0,
  ppoEpochs: 1,
  ppoMiniBatchSize: 8,
  ppoMaxTokenLenPerGpu: 128,
  lr: 1e-3,
  weightDecay: 0,
  betas: [0.9, 0.95],
  gradClip: 1,
  temperature: 1,
};

/** A sequence of the given length; every second token is sampled. */
export function trainSequence(length: number, advantage = 0.5): TrainSequence {
  const positions = Array.from({ length }, (_, i) => i);
  return {
    tokens: positions.map((i) => i % 16),
    mask: positions.map((i) => (i % 2 === 1 ? 1 : 0)),
    logprobs: positions.map((i) => -Math.log(3 + i)),
    advantages: positions.map(() => advantage),
  };
}
