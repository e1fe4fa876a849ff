import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { builtAddon } from '../../core/tensor/native/build.js';

/** What a program printed when the addon ran on an instruction set. */
export interface IsaRun {
  /** The one that ran: the best of those allowed that the processor has. */
  readonly isa: string;
  readonly output: string;
}

const isas = ['avx512', 'avx2', 'portable'] as const;

/**
 * Runs a program in a process of its own for each instruction set and for one and two threads.
 * @param program path of a module that is given the addon's path as its argument, prints the instruction set and then its results
 */
export async function runOnEachIsa(program: string): Promise<IsaRun[]> {
  const built = await builtAddon({ extraFlags: [] });
  if ('reason' in built) throw new Error(built.reason);
  const runs: IsaRun[] = [];
  for (const isa of isas) {
    for (const threads of ['1', '2']) {
      const env = { ...process.env, VERLET_NATIVE_ISA: isa };
      const { stdout } = await promisify(execFile)(process.execPath, [program, built.path, threads], { env });
      const [ran = '', ...output] = stdout.split('\n');
      runs.push({ isa: ran, output: output.join('\n') });
    }
  }
  return runs;
}
