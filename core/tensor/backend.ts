import { pathToFileURL } from 'node:url';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import '@tensorflow/tfjs-backend-wasm';
import './tfjs-gradients.js';
import { ConfigError } from '../errors.js';
import { log } from '../log.js';
import type { BackendName, MatmulPrecision } from './backend-names.js';
import { registerNativeBackend } from './native/register.js';
import { builtTfjsNode } from './tfjs-node-folder.js';

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
  tf.enableProdMode(); // keeps tfjs-node from a warning for every cpu kernel that it registers again
  if (isPeer(name)) return (await loadPeer(name)) ?? succeeded(await tf.setBackend('tensorflow'));
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

/** Loads an optional peer, or in place of tfjs-node the one that was built here; undefined when it is there, else what to do. */
async function loadPeer(name: keyof typeof peers): Promise<string | undefined> {
  process.env.TF_CPP_MIN_LOG_LEVEL ??= '1'; // TensorFlow greets on stderr; its warnings and errors stay
  const install = `install the optional peer: npm install ${peers[name]}`;
  if (await isImported(peers[name])) return undefined;
  if (name !== 'node') return install;
  if (await isImported(pathToFileURL(builtTfjsNode()).href)) return undefined;
  return `${install} (or, in a checkout on Linux: npm run backend:node)`;
}

/** A missing package and a broken one are the same to us: not there. */
async function isImported(specifier: string): Promise<boolean> {
  return import(specifier).then(
    () => true,
    () => false,
  );
}
