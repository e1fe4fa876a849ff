import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { z } from 'zod';
import { ConfigError } from '../core/errors.js';
import { temporaryFolder } from './temporary-folder.js';

const run = promisify(execFile);
const source = fileURLToPath(new URL('./fma-peak.cpp', import.meta.url));

const report = z.strictObject({ isa: z.string(), gflops: z.array(z.number().positive()).min(1) });

/** The processor's float32 multiply-add limit: instructions used and GFLOP/s of each round, all threads together. */
export type FmaPeak = z.output<typeof report>;

export interface FmaPeakOptions {
  readonly threads: number;
  readonly rounds: number;
  /** Of one round. */
  readonly seconds: number;
}

/** Compiles the program beside this file into a temporary folder and runs it. */
export async function measureFmaPeak(
  { threads, rounds, seconds }: FmaPeakOptions,
  signal: AbortSignal,
): Promise<FmaPeak> {
  await using folder = await temporaryFolder();
  const program = join(folder.path, 'fma-peak');
  await compile(program, signal);
  const { stdout } = await run(program, [`${seconds}`, `${rounds}`, `${threads}`], { signal });
  return report.parse(JSON.parse(stdout));
}

async function compile(program: string, signal: AbortSignal): Promise<void> {
  const { CXX } = process.env;
  const compilers = CXX === undefined || CXX === '' ? ['g++', 'clang++'] : [CXX];
  for (const compiler of compilers) {
    try {
      await run(compiler, ['-O3', '-std=c++17', '-pthread', '-o', program, source], { signal });
      return;
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
    }
  }
  throw new ConfigError(`the peak needs a C++ compiler (looked for ${compilers.join(', ')}): install g++ or set CXX`);
}
