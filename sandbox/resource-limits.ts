import type { SandboxConfig } from './config.js';

const MIB = 1024 * 1024;

/** What stands in front of a program's arguments to limit it: util-linux `prlimit`, which sets the limits and becomes the program. */
export function limitedArgv(prlimit: string, config: SandboxConfig, counts: { readonly processes: boolean }): string[] {
  return [
    prlimit,
    '--core=0',
    '--nofile=1024',
    '--msgqueue=0',
    `--memlock=${MIB}`,
    `--as=${config.memoryMb * MIB}`,
    `--fsize=${config.maxFileMb * MIB}`,
    ...(counts.processes ? [`--nproc=${config.maxProcesses}`] : []),
    '--',
  ];
}
