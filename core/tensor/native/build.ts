import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import headers from 'node-api-headers';

const run = promisify(execFile);
const sources = dirname(fileURLToPath(import.meta.url));
const compilers = ['g++', 'clang++'] as const;
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
  // Headers of gcc 12 warn about themselves.
  '-Wno-maybe-uninitialized',
];
const isaFlags: { readonly [file: string]: readonly string[] } = {
  'isa-avx512.cpp': ['-mavx512f', '-mavx512bw', '-mavx512dq', '-mavx512vl', '-mfma'],
  'isa-avx512bf16.cpp': ['-mavx512f', '-mavx512bw', '-mavx512dq', '-mavx512vl', '-mavx512bf16', '-mfma'],
  'isa-avx2.cpp': ['-mavx2', '-mfma'],
};
const timeoutMs = 300_000;

/** How the addon is compiled. */
export interface BuildOptions {
  /** Added to every call of the compiler, e.g. `-fsanitize=address`. */
  readonly extraFlags: readonly string[];
  /** Called before a compiler is started: it takes some seconds. */
  readonly onBuild?: () => void;
}

/**
 * The path of the compiled addon, built if the cache has none for these sources and this machine; undefined with a reason when there is
 * no compiler or it fails. Processes that build at the same time each build; the last rename wins.
 */
export async function builtAddon({
  extraFlags,
  onBuild,
}: BuildOptions): Promise<{ path: string } | { reason: string }> {
  const file = join(cacheFolder(), sourceHash(extraFlags), 'verlet.node');
  if (existsSync(file)) return { path: file };
  onBuild?.();
  const reasons: string[] = [];
  for (const compiler of compilers) {
    const reason = await compile(compiler, extraFlags, file);
    if (reason === undefined) return { path: file };
    reasons.push(reason);
  }
  return { reason: reasons.join('; ') };
}

/** The user's cache; deleting it costs a build. */
function cacheFolder(): string {
  return join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'verlet', 'native');
}

function sourceHash(extraFlags: readonly string[]): string {
  const hash = createHash('sha256').update(
    JSON.stringify([process.platform, process.arch, flags, isaFlags, extraFlags]),
  );
  for (const name of sourceFiles(/\.(cpp|h|inl)$/)) hash.update(`${name}\0`).update(readFileSync(join(sources, name)));
  return hash.digest('hex').slice(0, 32);
}

/** Undefined on success, else what went wrong in a line. */
async function compile(compiler: string, extraFlags: readonly string[], file: string): Promise<string | undefined> {
  const folder = dirname(file);
  let work: string | undefined;
  try {
    mkdirSync(folder, { recursive: true });
    work = mkdtempSync(join(folder, 'build-'));
    const objects = await compileAll(compiler, extraFlags, work);
    const built = join(work, 'verlet.node');
    await run(compiler, ['-shared', '-pthread', ...extraFlags, ...systemFlags(), ...objects, '-o', built], {
      timeout: timeoutMs,
    });
    renameSync(built, file);
    return undefined;
  } catch (error) {
    return `${compiler}: ${firstLine(error)}`;
  } finally {
    if (work !== undefined) rmSync(work, { recursive: true, force: true });
  }
}

async function compileAll(compiler: string, extraFlags: readonly string[], work: string): Promise<string[]> {
  const waiting = sourceFiles(/\.cpp$/);
  const objects: string[] = [];
  const worker = async () => {
    for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) {
      const object = join(work, `${name}.o`);
      const args = [
        ...flags,
        ...(isaFlagsOf(name) ?? []),
        ...extraFlags,
        '-isystem',
        headers.include_dir,
        '-c',
        join(sources, name),
        '-o',
        object,
      ];
      await run(compiler, args, { timeout: timeoutMs });
      objects.push(object);
    }
  };
  await Promise.all([worker(), worker()]);
  return objects.sort();
}

/** Slowest first: the instruction sets take most of the time. */
function sourceFiles(pattern: RegExp): string[] {
  const names = readdirSync(sources).filter((name) => pattern.test(name));
  return names.sort((a, b) => Number(b.startsWith('isa-')) - Number(a.startsWith('isa-')) || a.localeCompare(b));
}

function isaFlagsOf(name: string): readonly string[] | undefined {
  return process.arch === 'x64' ? isaFlags[name] : undefined;
}

/** On macOS the symbols of Node are looked up at load time only when asked. */
function systemFlags(): readonly string[] {
  return process.platform === 'darwin' ? ['-undefined', 'dynamic_lookup'] : [];
}

function firstLine(error: unknown): string {
  const text =
    error instanceof Error && 'stderr' in error && error.stderr !== '' ? String(error.stderr) : String(error);
  return text.split('\n').find((line) => line.includes('error')) ?? text.split('\n')[0] ?? text;
}
