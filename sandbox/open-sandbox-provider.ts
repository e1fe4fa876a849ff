import { ConfigError } from '../core/errors.js';
import type { SandboxProvider } from '../core/types.js';
import { bubblewrapProvider } from './bubblewrap.js';
import type { SandboxConfig } from './config.js';
import { findExecutable } from './find-executable.js';
import { processProvider } from './process.js';

/** A provider, and one line for the log when it confines less than it should. */
export interface OpenedSandboxProvider {
  readonly provider: SandboxProvider;
  readonly warning?: string;
}

type Attempt = OpenedSandboxProvider | { readonly problem: string };

/** Makes the provider that the config names, tried out on this machine. Throws ConfigError when the named one does not work. */
export async function openSandboxProvider(config: SandboxConfig, signal: AbortSignal): Promise<OpenedSandboxProvider> {
  if (config.name === 'process') return await openProcess(config, signal);
  const attempt = await tryBubblewrap(config, signal);
  if ('provider' in attempt) return attempt;
  if (config.name === 'bubblewrap') {
    throw new ConfigError(`sandbox: bubblewrap does not work here: ${attempt.problem}. ${REMEDY}`);
  }
  const { provider, warning } = await openProcess(config, signal);
  return { provider, warning: [notIsolated(attempt.problem), ...(warning === undefined ? [] : [warning])].join('; ') };
}

const REMEDY =
  'Install it (package bubblewrap) and allow user namespaces (kernel.unprivileged_userns_clone=1; in Docker: ' +
  '--security-opt seccomp=unconfined --security-opt systempaths=unconfined), or write sandbox.name: process to run code without isolation';

function notIsolated(problem: string): string {
  return (
    'CODE IS NOT ISOLATED: programs written by the model run as plain processes and can read files and reach the network of this ' +
    `machine, because bubblewrap does not work here: ${problem}`
  );
}

async function tryBubblewrap(config: SandboxConfig, signal: AbortSignal): Promise<Attempt> {
  const [bwrap, prlimit] = [await findExecutable('bwrap'), await findExecutable('prlimit')];
  if (bwrap === undefined) return { problem: 'there is no program bwrap in PATH' };
  if (prlimit === undefined) return { problem: 'there is no program prlimit (util-linux) in PATH' };
  const provider = await bubblewrapProvider({ bwrap, prlimit }, config);
  const problem = await problemOf(provider, signal);
  if (problem !== undefined) {
    await provider[Symbol.asyncDispose]();
    return { problem };
  }
  if (process.arch === 'x64') return { provider };
  return {
    provider,
    warning: `sandbox: system calls are not filtered, the filter exists for x64 only, not ${process.arch}`,
  };
}

async function openProcess(config: SandboxConfig, signal: AbortSignal): Promise<OpenedSandboxProvider> {
  const prlimit = await findExecutable('prlimit');
  if (prlimit === undefined) {
    return { provider: processProvider(config), warning: unlimited('there is no program prlimit in PATH') };
  }
  const provider = processProvider(config, prlimit);
  const problem = await problemOf(provider, signal);
  if (problem === undefined) return { provider };
  await provider[Symbol.asyncDispose]();
  return { provider: processProvider(config), warning: unlimited(problem) };
}

function unlimited(problem: string): string {
  return `sandbox: memory, processes and file sizes of programs are not limited: ${problem}`;
}

/** Why the provider cannot run the simplest program, undefined when it can. */
async function problemOf(provider: SandboxProvider, signal: AbortSignal): Promise<string | undefined> {
  try {
    await using sandbox = await provider.create(signal);
    const end = await sandbox.exec(['true'], { timeoutMs: 10_000, maxOutputBytes: 1_000 }, signal);
    if (end.exitCode === 0) return undefined;
    return end.stderr.trim().replaceAll('\n', ' ') || `a first program ended with ${end.exitCode}`;
  } catch (error) {
    signal.throwIfAborted();
    return error instanceof Error ? error.message.replaceAll('\n', ' ') : String(error);
  }
}
