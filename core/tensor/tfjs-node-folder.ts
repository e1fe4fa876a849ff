import { homedir } from 'node:os';
import { join } from 'node:path';

/** Where `npm run backend:node` puts the tfjs-node it builds: in the user's cache, shared by all checkouts. */
export function tfjsNodeFolder(): string {
  return join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'verlet', 'tfjs-node-4.22.0');
}

/** The built package's entry file; it need not exist. */
export function builtTfjsNode(): string {
  return join(tfjsNodeFolder(), 'node_modules/@tensorflow/tfjs-node/dist/index.js');
}
