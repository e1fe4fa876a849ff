import { arithmetic } from './arithmetic.js';
import { countdown } from './countdown.js';
import { dataset } from './dataset.js';
import type { EnvDefinition } from './environment.js';
import { frozenLake } from './frozen-lake.js';

/** The environments a config may name without importing anything. */
export const builtInEnvs: readonly EnvDefinition[] = [arithmetic, countdown, frozenLake, dataset];
