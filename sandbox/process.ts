/**
 * Programs as plain processes. THIS IS NOT ISOLATION: use it for code you would run yourself, or where nothing better works.
 *
 * Covered: accidents. A program gets a temporary directory, no environment of ours, no descriptor of ours, limits on memory, file
 * size, open files and time; its process group is killed when it ends. Where we are root it runs as an unprivileged user of its
 * own, cannot signal us, and its processes are counted.
 * Not covered: malice. A program reads what its user may read on this machine, reaches the network and other processes of its
 * user, fills disks, and can outlive its kill by leaving the process group until the sandbox is disposed (such processes are then
 * found on Linux by their environment, which they can hide).
 */
import { InfrastructureError } from '../core/errors.js';
import type { SandboxProvider } from '../core/types.js';
import type { Command, ProgramEnd } from './command.js';
import type { SandboxConfig } from './config.js';
import type { Isolator } from './isolator.js';
import { LocalProvider } from './local-provider.js';
import { limitedArgv } from './resource-limits.js';
import type { WorkingDirectory } from './working-directory.js';

/** Runs programs as plain processes, without limits on resources when `prlimit` (its absolute path) is not given. */
export function processProvider(config: SandboxConfig, prlimit?: string): SandboxProvider {
  const limit = (directory: WorkingDirectory): string[] =>
    prlimit === undefined ? [] : limitedArgv(prlimit, config, { processes: directory.owner !== undefined });
  const isolator: Isolator = {
    name: 'process',
    command: (argv, directory) => command([...limit(directory), ...argv], directory),
    exitCode,
    trace: ({ path }) => ({ file: 'environ', entry: `HOME=${path}` }),
    canOutlive: true,
  };
  return new LocalProvider(isolator, config);
}

function command(argv: readonly string[], { path, owner }: WorkingDirectory): Command {
  const [file = '', ...args] = argv;
  const env = { PATH: '/usr/local/bin:/usr/bin:/bin', HOME: path, TMPDIR: path, LANG: 'C.UTF-8' };
  return { file, args, env, cwd: path, owner, hasReport: false };
}

/** A program that cannot be started ends as a shell would report it. */
function exitCode({ code, startError }: ProgramEnd): number | null {
  if (startError === undefined) return code;
  if (startError.code === 'ENOENT') return 127;
  if (startError.code === 'EACCES') return 126;
  throw new InfrastructureError('sandbox_died', `cannot start a process: ${startError.message}`, {
    retryable: true,
    cause: startError,
  });
}
