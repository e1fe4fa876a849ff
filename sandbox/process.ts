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
import { readdir, readFile } from 'node:fs/promises';
import { InfrastructureError } from '../core/errors.js';
import type { SandboxProvider } from '../core/types.js';
import type { SandboxConfig } from './config.js';
import type { Command, Isolator, ProgramEnd } from './isolator.js';
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
    reap,
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

const MAX_ROUNDS = 20;

/** Kills in rounds, since a process may fork while we look. */
async function reap({ path }: WorkingDirectory): Promise<void> {
  if (process.platform !== 'linux') return;
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const survivors = await processesOf(path);
    if (survivors.length === 0) return;
    for (const pid of survivors) kill(pid);
  }
}

async function processesOf(home: string): Promise<readonly number[]> {
  const found: number[] = [];
  for (const pid of (await readdir('/proc')).map(Number)) {
    if (pid > 0 && (await environment(pid)).includes(`HOME=${home}\0`)) found.push(pid);
  }
  return found;
}

/** Empty for a process that is gone or not ours to look at. */
function environment(pid: number): Promise<string> {
  return readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '');
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}
