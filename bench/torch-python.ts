import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ConfigError } from '../core/errors.js';
import type { BenchOptions } from './bench.js';
import { Side } from './side.js';

const requirements = ['torch==2.13.0', 'numpy'] as const;
const wheelsForProcessors = 'https://download.pytorch.org/whl/cpu';

/** A PyTorch process that runs one of the scripts in `bench/torch`; it computes on `threads` threads. */
export async function torchSide(
  script: 'gemm.py' | 'train.py',
  { threads, progress }: BenchOptions,
  signal: AbortSignal,
): Promise<Side> {
  const python = await torchPython(progress, signal);
  const { pathname } = new URL(`./torch/${script}`, import.meta.url);
  const limits = { OMP_NUM_THREADS: `${threads}`, MKL_NUM_THREADS: `${threads}`, TORCHINDUCTOR_COMPILE_THREADS: '1' };
  return new Side(`PyTorch (${script})`, [python, decodeURIComponent(pathname)], limits);
}

/** A Python that has PyTorch: VERLET_TORCH_PYTHON, else one in the user's cache, which is made at the first time. */
export async function torchPython(progress: (line: string) => void, signal: AbortSignal): Promise<string> {
  const given = process.env.VERLET_TORCH_PYTHON;
  if (given !== undefined && given !== '') {
    if (existsSync(given)) return given;
    throw new ConfigError(`VERLET_TORCH_PYTHON names ${given}, which does not exist`);
  }
  const cache = process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache');
  const folder = join(cache, 'verlet', requirements[0].replace('==', '-'));
  const python = join(folder, 'bin/python');
  if (!existsSync(stampOf(folder))) await install(folder, python, progress, signal);
  return python;
}

async function install(
  folder: string,
  python: string,
  progress: (line: string) => void,
  signal: AbortSignal,
): Promise<void> {
  progress(`installing ${requirements.join(' and ')} into ${folder}`);
  const run = promisify(execFile);
  try {
    await run('python3', ['-m', 'venv', '--clear', folder], { signal });
    const words = ['-m', 'pip', 'install', '--quiet', '--extra-index-url', wheelsForProcessors, ...requirements];
    await run(python, words, { signal, maxBuffer: 1e8 });
  } catch (cause) {
    signal.throwIfAborted();
    const remedy = 'install it yourself and name that Python in VERLET_TORCH_PYTHON';
    throw new ConfigError(`PyTorch could not be installed into ${folder}; ${remedy}. ${String(cause)}`, { cause });
  }
  await writeFile(stampOf(folder), `${requirements.join('\n')}\n`);
}

/** Written last: a folder without it is half of one. */
function stampOf(folder: string): string {
  return join(folder, 'verlet-is-complete');
}
