import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/** A Python that has the packages wandb and swanlab. */
export const python = process.env.VERLET_TRACKERS_PYTHON;

/** What a test of such packages is called, so that its being skipped explains itself. */
export const needsPython = 'needs VERLET_TRACKERS_PYTHON, a Python with wandb and swanlab';

/** Runs a package's own command with a home of its own; what it prints on stdout. */
export async function runClient(
  words: readonly string[],
  { home, env = {} }: { readonly home: string; readonly env?: NodeJS.ProcessEnv },
): Promise<string> {
  if (python === undefined) throw new Error(needsPython);
  const own = { HOME: home, XDG_CACHE_HOME: home, XDG_CONFIG_HOME: home, WANDB_ERROR_REPORTING: 'false', ...env };
  const options = { cwd: home, env: { PATH: process.env.PATH, ...own }, maxBuffer: 1e8 };
  return (await promisify(execFile)(python, ['-m', ...words], options)).stdout;
}
