import { HttpEngine } from '../../rollout/engines/http.js';
import { policyServerConfig } from '../../rollout/policy-server/config.js';
import { type PolicyServerProcess, spawnPolicyServer } from '../../rollout/policy-server/spawn.js';
import { HttpTrainer } from '../../rollout/trainers/http.js';
import { never } from './policy-server.js';

export const twinEntry = new URL('../fixtures/policy-process.mjs', import.meta.url);

const fates = ['serve', 'refuse', 'die', 'hang', 'deaf'] as const;

/** Config of a twin server; `fate`, told as its seed, makes its start or its end go wrong. */
export function twinConfig(fate: (typeof fates)[number] = 'serve', stopTimeoutMs = 5000) {
  return policyServerConfig.parse({ vocabSize: 16, seed: fates.indexOf(fate), stopTimeoutMs });
}

export interface SpawnedTwin extends AsyncDisposable {
  readonly server: PolicyServerProcess;
  readonly engine: HttpEngine;
  readonly trainer: HttpTrainer;
}

/** A twin policy served by a process of its own, with clients that know when it is gone. */
export async function spawnTwinServer(config = twinConfig()): Promise<SpawnedTwin> {
  const server = await spawnPolicyServer(config, { entry: twinEntry }, never);
  const options = { timeoutMs: 20_000, gone: server.gone };
  const engine = new HttpEngine(server.url, options);
  const trainer = new HttpTrainer(server.url, options);
  const dispose = async (): Promise<void> => {
    await engine[Symbol.asyncDispose]();
    await trainer[Symbol.asyncDispose]();
    await server[Symbol.asyncDispose]();
  };
  return { server, engine, trainer, [Symbol.asyncDispose]: dispose };
}
