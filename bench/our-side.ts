import { fileURLToPath } from 'node:url';
import { Side } from './side.js';

/** A process that runs one of our sides from the build, computing on `threads` threads where the backend has any. */
export function ourSide(script: 'gemm-side.js' | 'train-side.js', threads: number): Side {
  const path = fileURLToPath(new URL(`./${script}`, import.meta.url));
  return new Side(`verlet (${script})`, [process.execPath, path], { VERLET_THREADS: `${threads}` });
}
