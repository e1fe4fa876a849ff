import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import '@tensorflow/tfjs-backend-wasm';
import './tfjs-gradients.js';
import { ConfigError } from '../errors.js';
import type { BackendName } from './backend-names.js';

/** Packages that bring a backend of their own when the user has installed them; both register it as `tensorflow`. */
const peers = { 'node-gpu': '@tensorflow/tfjs-node-gpu', node: '@tensorflow/tfjs-node' } as const;

/**
 * Makes the named tfjs backend the current one; `auto` takes the first that loads of node-gpu, node, wasm, cpu.
 * Returns the name chosen. Throws ConfigError when a backend asked for by name cannot be loaded.
 */
export async function useBackend(name: BackendName): Promise<Exclude<BackendName, 'auto'>> {
  if (name === 'auto') {
    for (const candidate of ['node-gpu', 'node', 'wasm'] as const) if (await activate(candidate)) return candidate;
    await activate('cpu');
    return 'cpu';
  }
  if (await activate(name)) return name;
  const remedy = isPeer(name) ? `install the optional peer: npm install ${peers[name]}` : 'use --backend cpu';
  throw new ConfigError(`backend '${name}' does not load on this machine; ${remedy}`);
}

async function activate(name: Exclude<BackendName, 'auto'>): Promise<boolean> {
  if (isPeer(name)) {
    if (!(await isInstalled(peers[name]))) return false;
    return tf.setBackend('tensorflow');
  }
  tf.enableProdMode();
  return tf.setBackend(name);
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
