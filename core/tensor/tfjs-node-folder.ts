import { join } from 'node:path';
import { cacheFolder } from './cache-folder.js';

/** Where `npm run backend:node` puts the tfjs-node it builds. */
export function tfjsNodeFolder(): string {
  return join(cacheFolder(), 'tfjs-node-4.22.0');
}

/** The built package's entry file; it need not exist. */
export function builtTfjsNode(): string {
  return join(tfjsNodeFolder(), 'node_modules/@tensorflow/tfjs-node/dist/index.js');
}
