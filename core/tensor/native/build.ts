import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import headers from 'node-api-headers';
import { cacheFolder, writableCacheFolder } from '../cache-folder.js';

const run = promisify(execFile);
const sources = dirname(fileURLToPath(import.meta.url));
const compilers = ['g++', 'clang++'] as const;
type Compiler = (typeof compilers)[number];
/** Without contraction a sum has the same bits on every instruction set; the kernels ask for fused operations by name. */
const flags = [
  '-O3',
  '-std=c++17',
  '-fPIC',
  '-fvisibility=hidden',
  '-ffp-contract=off',
  '-fno-math-errno',
  '-pthread',
  '-Wall',
  '-Wextra',
];
const compilerFlags: { readonly [compiler in Compiler]: readonly string[] } = {
  'g++': ['-Wno-maybe-uninitialized'], // headers of gcc 12 warn about themselves
  'clang++': [],
};
const isaFlags: { readonly [file: string]: readonly string[] } = {
  'isa-avx512.cpp': ['-mavx512f', '-mavx512bw', '-mavx512dq', '-mavx512vl', '-mfma'],
  'isa-avx512bf16.cpp': ['-mavx512f', '-mavx512bw', '-mavx512dq', '-mavx512vl', '-mavx512bf16', '-mfma'],
  'isa-avx2.cpp': ['-mavx2', '-mfma'],
};
const linkFlags: { readonly [platform: string]: readonly string[] } = {
  // The pool's threads are still there when a worker of Node that has loaded the addon ends: their code must stay.
  linux: ['-Wl,-z,nodelete'],
  // The symbols of Node are looked up at load time only when asked.
  darwin: ['-undefined', 'dynamic_lookup'],
};
const timeoutMs = 300_000;
const limits = { timeout: timeoutMs, maxBuffer: 2 ** 26 };

/** How the addon is compiled. */
export interface BuildOptions {
  /** Added to every call of the compiler, e.g. `-fsanitize=address`. */
  readonly extraFlags: readonly string[];
  /** Called before a compiler is started: it takes some seconds. */
  readonly onBuild?: () => void;
}

/**
 * The path of the compiled addon, built unless it is in the cache for these sources and flags; a reason in a sentence when there is no
 * compiler, or it fails, or nothing can be written. Processes that build at the same time each build; the last rename wins.
 */
export async function builtAddon({
  extraFlags,
  onBuild,
}: BuildOptions): Promise<{ path: string } | { reason: string }> {
  if (process.platform === 'win32') return { reason: 'the kernels do not compile on Windows' };
  const name = join('native', sourceHash(extraFlags));
  const cached = join(cacheFolder(), name, 'verlet.node');
  if (existsSync(cached)) return { path: cached };
  try {
    const path = join(writableCacheFolder(name), 'verlet.node');
    return existsSync(path) ? { path } : await buildWithAny(extraFlags, path, onBuild);
  } catch (error) {
    return { reason: `no folder for the compiled kernels: ${error instanceof Error ? error.message : String(error)}` };
  }
}

/** The arguments of the compiler for one of the sources, up to where its object goes. */
export function compilerArguments(compiler: Compiler, source: string): readonly string[] {
  const ofIsa = process.arch === 'x64' ? (isaFlags[source] ?? []) : [];
  return [...flags, ...compilerFlags[compiler], ...ofIsa, '-isystem', headers.include_dir, '-c', join(sources, source)];
}

function sourceHash(extraFlags: readonly string[]): string {
  const { platform, arch } = process;
  const how = [platform, arch, flags, compilerFlags, isaFlags, linkFlags[platform], extraFlags];
  const hash = createHash('sha256').update(JSON.stringify(how));
  for (const name of sourceFiles(/\.(cpp|h|inl)$/)) hash.update(`${name}\0`).update(readFileSync(join(sources, name)));
  return hash.digest('hex').slice(0, 32);
}

async function buildWithAny(
  extraFlags: readonly string[],
  path: string,
  onBuild: BuildOptions['onBuild'],
): Promise<{ path: string } | { reason: string }> {
  onBuild?.();
  const reasons: string[] = [];
  for (const compiler of compilers) {
    const reason = await build(compiler, extraFlags, path);
    if (reason === undefined) return { path };
    reasons.push(reason);
  }
  return { reason: `a C++ compiler is needed: ${reasons.join('; ')}` };
}

/** Undefined on success, else what went wrong in a line. */
async function build(compiler: Compiler, extraFlags: readonly string[], path: string): Promise<string | undefined> {
  using work = new WorkFolder(dirname(path));
  try {
    const objects = await compileAll(compiler, extraFlags, work.path);
    const built = join(work.path, 'verlet.node');
    const platform = linkFlags[process.platform] ?? [];
    const args = ['-shared', '-pthread', ...extraFlags, ...platform, ...objects, '-o', built];
    await run(compiler, args, limits);
    renameSync(built, path);
    return undefined;
  } catch (error) {
    return explain(compiler, error);
  }
}

/** A folder inside another one, so that what is in it can be renamed there; gone when disposed. */
class WorkFolder implements Disposable {
  readonly path: string;

  constructor(parent: string) {
    mkdirSync(parent, { recursive: true });
    this.path = mkdtempSync(join(parent, 'build-'));
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

/** Some at a time; the first that fails stops the others. */
async function compileAll(compiler: Compiler, extraFlags: readonly string[], folder: string): Promise<string[]> {
  const waiting = sourceFiles(/\.cpp$/);
  const objects: string[] = [];
  const failure = new AbortController();
  const worker = async (): Promise<void> => {
    for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) {
      const object = join(folder, `${name}.o`);
      const args = [...compilerArguments(compiler, name), ...extraFlags, '-o', object];
      await run(compiler, args, { ...limits, signal: failure.signal });
      objects.push(object);
    }
  };
  const workers = Array.from({ length: Math.min(4, availableParallelism()) }, () =>
    worker().catch((error: unknown) => failure.abort(error)),
  );
  await Promise.all(workers);
  failure.signal.throwIfAborted();
  return objects.sort();
}

/** Slowest first: the instruction sets take most of the time. */
function sourceFiles(pattern: RegExp): string[] {
  const names = readdirSync(sources).filter((name) => pattern.test(name));
  return names.sort((a, b) => Number(b.startsWith('isa-')) - Number(a.startsWith('isa-')) || a.localeCompare(b));
}

function explain(compiler: Compiler, error: unknown): string {
  if (!(error instanceof Error)) return `${compiler}: ${String(error)}`;
  if ('code' in error && error.code === 'ENOENT') return `${compiler} is not installed`;
  if ('killed' in error && error.killed === true) return `${compiler} took longer than ${timeoutMs / 1000} s`;
  const text = 'stderr' in error && error.stderr !== '' ? String(error.stderr) : error.message;
  const lines = text.split('\n');
  return `${compiler}: ${lines.find((line) => line.includes('error')) ?? lines[0] ?? text}`;
}
