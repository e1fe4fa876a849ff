import { InfrastructureError } from '../../core/errors.js';
import type { PolicyServerConfig } from './config.js';
import type { PolicyServerParts } from './server.js';

/** Engine and trainer over one set of weights; disposing it frees all of them. */
export interface Policy extends PolicyServerParts, AsyncDisposable {}

/** Makes backend, weights, engine and trainer; throws ConfigError for what cannot be built. */
export async function buildPolicy(config: PolicyServerConfig, signal: AbortSignal): Promise<Policy> {
  signal.throwIfAborted();
  throw new InfrastructureError('not_wired', `no policy for backend ${config.backend}`, { retryable: false });
}
