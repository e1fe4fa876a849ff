import { readFileSync } from 'node:fs';
import { availableParallelism, cpus, totalmem } from 'node:os';
import { z } from 'zod';

export const machineSchema = z.strictObject({
  cpu: z.string(),
  cores: z.int().min(1),
  isa: z.string(),
  memoryBytes: z.int().min(1),
  node: z.string(),
});

/** What the numbers of a run depend on besides the programs. */
export type Machine = z.output<typeof machineSchema>;

export function machine(): Machine {
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    isa: instructionSet(),
    memoryBytes: totalmem(),
    node: process.versions.node,
  };
}

/** The widest float32 instructions that the processor offers; outside of Linux the architecture's name. */
function instructionSet(): string {
  const flags = /^flags\s*:(.*)$/m.exec(read('/proc/cpuinfo'))?.[1] ?? '';
  const has = (name: string): boolean => flags.split(' ').includes(name);
  if (has('avx512f')) return 'AVX-512';
  if (has('avx2') && has('fma')) return 'AVX2';
  return process.arch;
}

/** Largest resident memory that a process has had, in bytes; null where the system does not say. */
export function peakMemoryBytes(pid: number): number | null {
  const kilobytes = /VmHWM:\s*(\d+) kB/.exec(read(`/proc/${pid}/status`))?.[1];
  return kilobytes === undefined ? null : Number(kilobytes) * 1024;
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
