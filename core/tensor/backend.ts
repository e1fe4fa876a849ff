import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import '@tensorflow/tfjs-backend-wasm';
import './tfjs-gradients.js';
import { ConfigError } from '../errors.js';
import { log } from '../log.js';
import type { BackendName, MatmulPrecision } from './backend-names.js';
import { registerNativeBackend } from './native/register.js';

/** Packages that bring a backend of their own when the user has installed them; both register it as `tensorflow`. */
const peers = { 'node-gpu': '@tensorflow/tfjs-node-gpu', node: '@tensorflow/tfjs-node' } as const;

/** Settings of backend `native`. */
export interface BackendOptions {
  /** 0, the default, asks for one a processor. */
  readonly threads?: number;
  /** bfloat16 needs a processor with AVX512-BF16. */
  readonly matmulPrecision?: MatmulPrecision;
}

const order = ['node-gpu', 'native', 'node', 'wasm', 'cpu'] as const;

/**
 * Makes the named tfjs backend the current one; `auto` takes the first that loads of node-gpu, native, node, wasm, cpu, and says in the
 * log why it could not be native. Returns the name chosen. Throws ConfigError when a backend asked for by name cannot be loaded.
 */
export async function useBackend(
  name: BackendName,
  options: BackendOptions = {},
): Promise<Exclude<BackendName, 'auto'>> {
  if (options.matmulPrecision === 'bfloat16') return await useBfloat16(name, options);
  if (name !== 'auto') {
    const problem = await activate(name, options);
    if (problem === undefined) return name;
    throw new ConfigError(`backend '${name}' does not load on this machine: ${problem}`);
  }
  for (const candidate of order) {
    const problem = await activate(candidate, options);
    if (problem === undefined) return candidate;
    if (candidate === 'native') log('warn', 'slower-backend', { backend: 'native', problem });
  }
  throw new ConfigError('no tensor backend loads on this machine');
}

async function useBfloat16(name: BackendName, options: BackendOptions): Promise<'native'> {
  const problem = name === 'auto' || name === 'native' ? await activate('native', options) : `backend is '${name}'`;
  if (problem === undefined) return 'native';
  throw new ConfigError(`matmulPrecision 'bfloat16' needs backend 'native', with AVX512-BF16; ${problem}`);
}

/** Undefined when the backend is now the current one, else why not. */
async function activate(name: Exclude<BackendName, 'auto'>, options: BackendOptions): Promise<string | undefined> {
  tf.enableProdMode();
  if (isPeer(name)) {
    if (!(await isInstalled(peers[name]))) return `install the optional peer: npm install ${peers[name]}`;
    return succeeded(await tf.setBackend('tensorflow'));
  }
  if (name === 'native') {
    const problem = await registerNativeBackend(options);
    if (problem !== undefined) return problem;
  }
  return succeeded(await tf.setBackend(name));
}

function succeeded(isSet: boolean): string | undefined {
  return isSet ? undefined : 'tfjs could not initialise it';
}

function isPeer(name: string): name is keyof typeof peers {
  return name in peers;
}

/** Loads an optional peer; a missing or broken one is the same to us: not there. */
async function isInstalled(specifier: string): Promise<boolean> {
  return import(specifier).then(
    () => true,
    () => false,
  );
}
