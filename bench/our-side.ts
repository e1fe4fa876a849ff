import { fileURLToPath } from 'node:url';
import { Side } from './side.js';

/** A process that runs one of our sides from the build. */
export function ourSide(script: 'gemm-side.js' | 'train-side.js'): Side {
  const path = fileURLToPath(new URL(`./${script}`, import.meta.url));
  return new Side(`verlet (${script})`, [process.execPath, path], {});
}
