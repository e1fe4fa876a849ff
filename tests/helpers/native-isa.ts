import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

export const isas = ['avx512', 'avx2', 'portable'] as const;

/**
 * What a script of these helpers prints when it runs in a process of its own whose kernels are those of an instruction set. A processor
 * that lacks it runs the portable ones.
 */
export async function printedOn(isa: (typeof isas)[number], script: string): Promise<string> {
  const env = { ...process.env, VERLET_NATIVE_ISA: isa };
  const words = ['--import', 'jiti/register', `tests/helpers/${script}`];
  const { stdout } = await promisify(execFile)(process.execPath, words, { env });
  return stdout;
}
