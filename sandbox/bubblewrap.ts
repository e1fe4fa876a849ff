/**
 * Programs in bubblewrap: one `bwrap` per program, with namespaces of its own.
 *
 * Covered: a program sees /usr read-only, an empty /tmp, its working directory, and nothing else of the host's files; no network
 * but an empty loopback, no host processes, no environment, no descriptors; it cannot make namespaces or mounts or reach the
 * kernel interfaces that the seccomp filter names. Everything it started dies with it. Where we are root it runs as an
 * unprivileged host user of its own, because a process that is root outside may write kernel settings from inside.
 * Not covered: holes in the kernel, which is shared; side channels; the amount of disk taken (each file is limited, their number
 * is not); memory of all processes together (each is limited, as is their number). A program can forge its own exit code.
 */
import { lstat, readlink } from 'node:fs/promises';
import { InfrastructureError } from '../core/errors.js';
import type { SandboxProvider } from '../core/types.js';
import type { ProgramEnd } from './command.js';
import type { SandboxConfig } from './config.js';
import type { Isolator } from './isolator.js';
import { LocalProvider } from './local-provider.js';
import { limitedArgv } from './resource-limits.js';
import { seccompFilter } from './seccomp.js';

/** Absolute paths of the programs it needs. */
export interface BubblewrapPrograms {
  readonly bwrap: string;
  readonly prlimit: string;
}

/** Runs programs in bubblewrap; whether that works here is for the caller to find out. */
export async function bubblewrapProvider(
  programs: BubblewrapPrograms,
  config: SandboxConfig,
): Promise<SandboxProvider> {
  const filter = process.arch === 'x64' ? seccompFilter() : undefined;
  const before = [...(filter === undefined ? [] : ['--seccomp', '3']), ...NAMESPACES, ...(await systemFolders())];
  const limit = limitedArgv(programs.prlimit, config, { processes: true });
  const isolator: Isolator = {
    name: 'bubblewrap',
    command: (argv, { path, owner }) => ({
      file: programs.bwrap,
      args: [...before, '--bind', path, '/work', ...AFTER, '--', ...limit, ...argv],
      env: {}, // bwrap's own environment is readable from inside
      cwd: '/',
      owner,
      ...(filter === undefined ? {} : { feed: filter }),
      hasReport: true,
    }),
    exitCode,
    trace: ({ path }) => ({ file: 'cmdline', entry: path }),
    canOutlive: false, // the PID namespace ends with the program
  };
  return new LocalProvider(isolator, config);
}

const TMPFS_BYTES = String(64 * 1024 * 1024);

const NAMESPACES = [
  ...['--json-status-fd', '4', '--unshare-user', '--unshare-all', '--disable-userns', '--uid', '1000', '--gid', '1000'],
  ...['--hostname', 'sandbox', '--new-session', '--die-with-parent', '--proc', '/proc', '--tmpfs', '/dev'],
  ...['null', 'zero', 'full', 'random', 'urandom'].flatMap((name) => ['--dev-bind', `/dev/${name}`, `/dev/${name}`]),
  ...['--symlink', '/proc/self/fd', '/dev/fd', '--symlink', '/proc/self/fd/0', '/dev/stdin'],
  ...['--symlink', '/proc/self/fd/1', '/dev/stdout', '--symlink', '/proc/self/fd/2', '/dev/stderr'],
  ...['--size', TMPFS_BYTES, '--perms', '1777', '--tmpfs', '/tmp'],
  ...['--size', TMPFS_BYTES, '--perms', '1777', '--tmpfs', '/dev/shm'],
  ...['/etc/ld.so.cache', '/etc/alternatives', '/etc/ssl/certs'].flatMap((path) => ['--ro-bind-try', path, path]),
];

/** The root becomes read-only only after everything was put into it. */
const AFTER = [
  ...['--remount-ro', '/dev', '--remount-ro', '/', '--chdir', '/work'],
  ...['--clearenv', '--setenv', 'PATH', '/usr/local/bin:/usr/bin:/bin', '--setenv', 'HOME', '/work'],
  ...['--setenv', 'TMPDIR', '/tmp', '--setenv', 'LANG', 'C.UTF-8'],
];

/** /usr, and the folders beside it as this system has them: links into /usr, or folders of their own. */
async function systemFolders(): Promise<readonly string[]> {
  const args = ['--ro-bind', '/usr', '/usr'];
  for (const path of ['/bin', '/sbin', '/lib', '/lib32', '/lib64', '/libx32']) {
    const status = await lstat(path).catch(() => undefined);
    if (status?.isSymbolicLink()) args.push('--symlink', await readlink(path), path);
    if (status?.isDirectory()) args.push('--ro-bind', path, path);
  }
  return args;
}

/** bwrap records an exit code only for a program it could start, and shows a signal as 128 + its number. */
function exitCode({ code, report, stderr, startError }: ProgramEnd): number | null {
  const recorded = /"exit-code":\s*(\d+)/.exec(report)?.[1];
  if (recorded === undefined) {
    const reason = startError?.message ?? (stderr.trim() || `ended with ${code}`);
    throw new InfrastructureError('sandbox_died', `bubblewrap: ${reason}`, { retryable: true, cause: startError });
  }
  const exitCode = Number(recorded);
  return exitCode > 128 && exitCode < 160 ? null : exitCode;
}
