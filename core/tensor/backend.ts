import { pathToFileURL } from 'node:url';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import '@tensorflow/tfjs-backend-wasm';
import './tfjs-gradients.js';
import { ConfigError } from '../errors.js';
import type { BackendName } from './backend-names.js';
import { builtTfjsNode } from './tfjs-node-folder.js';

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
  throw new ConfigError(`backend '${name}' does not load on this machine; ${remedyFor(name)}`);
}

function remedyFor(name: string): string {
  if (!isPeer(name)) return 'use --backend cpu';
  const install = `install the optional peer: npm install ${peers[name]}`;
  return name === 'node' ? `${install} (or, in a checkout on Linux: npm run backend:node)` : install;
}

async function activate(name: Exclude<BackendName, 'auto'>): Promise<boolean> {
  tf.enableProdMode(); // also keeps tfjs-node from warning of every cpu kernel that it registers again
  if (!isPeer(name)) return tf.setBackend(name);
  process.env.TF_CPP_MIN_LOG_LEVEL ??= '1'; // TensorFlow greets on stderr; its warnings and errors stay
  const loads =
    (await isImported(peers[name])) || (name === 'node' && (await isImported(pathToFileURL(builtTfjsNode()).href)));
  return loads && tf.setBackend('tensorflow');
}

function isPeer(name: string): name is keyof typeof peers {
  return name in peers;
}

/** Loads an optional package; a missing or broken one is the same to us: not there. */
async function isImported(specifier: string): Promise<boolean> {
  return import(specifier).then(
    () => true,
    () => false,
  );
}
