// What backend native does that a plain `npm test` does not show: the tests of tensors and models on the other instruction sets; the same
// under AddressSanitizer and UBSan, with every array as long as it was asked for; and the kernels on many threads under ThreadSanitizer.
// Any finding is a failure. Linux with g++, some minutes.
// Usage: npm run test:native

import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { runCommand, runMain, SetupError, say } from './command.mjs';
import { setUp } from './setup.mjs';
import { runVitest } from './vitest.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const TESTS = ['tests/core/tensor', 'tests/core/model'];
// -O1: at -O3 the compiler takes many minutes over the checks.
const ADDRESS_FLAGS = '-O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined';
const THREAD_FLAGS = [
  '-O1',
  '-g',
  '-std=c++17',
  '-ffp-contract=off',
  '-fno-math-errno',
  '-pthread',
  '-fsanitize=thread',
];

await runMain(setUp);
await runMain(main);

async function main() {
  if (process.platform !== 'linux') throw new SetupError(`the sanitizers are set up for Linux only.`);
  const results = [];
  for (const isa of ['avx2', 'portable']) results.push([`instruction set ${isa}`, await onInstructionSet(isa)]);
  results.push(['AddressSanitizer, UBSan', await underAddressSanitizer()]);
  results.push(['ThreadSanitizer', await underThreadSanitizer()]);
  process.stdout.write('\n');
  for (const [name, result] of results) process.stdout.write(`${name.padEnd(24)} ${result}\n`);
  process.exitCode = results.some(([, result]) => result.startsWith('FAILED')) ? 1 : 0;
}

async function onInstructionSet(isa) {
  const addon = createRequire(import.meta.url)(await built([]));
  try {
    addon.useIsa(isa);
  } catch {
    return 'skipped: this processor lacks it';
  }
  say(`the tests of tensors and models on ${isa}`);
  return verdict(await runVitest(TESTS, { ...process.env, VERLET_TEST_BACKENDS: 'native', VERLET_NATIVE_ISA: isa }));
}

async function underAddressSanitizer() {
  say('compiling the kernels for AddressSanitizer and UBSan (about a minute)');
  await built(ADDRESS_FLAGS.split(' '));
  const folder = mkdtempSync(join(tmpdir(), 'verlet-sanitizer-'));
  try {
    say('the tests of tensors and models under AddressSanitizer and UBSan');
    const result = await runVitest(TESTS, { ...process.env, ...addressEnvironment(join(folder, 'finding')) });
    const findings = readdirSync(folder).map((name) => readFileSync(join(folder, name), 'utf8'));
    for (const finding of findings) process.stderr.write(finding);
    return findings.length > 0 ? `FAILED: ${findings.length} findings, above` : verdict(result);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Node itself is not instrumented: the runtimes are preloaded, and what V8 keeps until the end is no leak of ours. */
function addressEnvironment(findings) {
  return {
    LD_PRELOAD: ['libasan.so', 'libubsan.so'].map(runtime).join(':'),
    ASAN_OPTIONS: `detect_leaks=0:log_path=${findings}`,
    UBSAN_OPTIONS: `halt_on_error=1:print_stacktrace=1:log_path=${findings}`,
    VERLET_NATIVE_FLAGS: ADDRESS_FLAGS,
    VERLET_NATIVE_POOL: 'off',
    VERLET_TEST_BACKENDS: 'native',
  };
}

function runtime(library) {
  const path = execFileSync('g++', [`-print-file-name=${library}`], { encoding: 'utf8' }).trim();
  if (existsSync(path)) return path;
  throw new SetupError(`g++ has no ${library}; install the package of its sanitizers.`);
}

async function underThreadSanitizer() {
  say('compiling kernels and threads for ThreadSanitizer');
  const folder = mkdtempSync(join(tmpdir(), 'verlet-sanitizer-'));
  try {
    const program = await compileThreads(folder);
    say('kernels on many threads under ThreadSanitizer');
    await runCommand(program, [], { cwd: folder });
    return 'passed';
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    process.stderr.write(`${error.message}\n`);
    return 'FAILED: above';
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function compileThreads(folder) {
  const native = join(root, 'core/tensor/native');
  const kernels = ['isa-portable.cpp', 'attention-plan.cpp', 'pool.cpp'].map((name) => join(native, name));
  const sources = [...kernels, join(root, 'tests/fixtures/native/threads.cpp')];
  const objects = sources.map((source) => join(folder, `${basename(source)}.o`));
  for (const [i, source] of sources.entries()) {
    await runCommand('g++', [...THREAD_FLAGS, '-I', native, '-c', source, '-o', objects[i]], { cwd: folder });
  }
  const program = join(folder, 'threads');
  await runCommand('g++', ['-pthread', '-fsanitize=thread', ...objects, '-o', program], { cwd: folder });
  return program;
}

/** The path of the addon that these flags make. */
async function built(extraFlags) {
  const { builtAddon } = await import(pathToFileURL(join(root, 'dist/core/tensor/native/build.js')).href);
  const result = await builtAddon({ extraFlags });
  if ('reason' in result) throw new SetupError(`the kernels do not compile: ${result.reason}`);
  return result.path;
}

function verdict({ code, passed, failed }) {
  return code === 0 && passed > 0
    ? `${passed} passed`
    : `FAILED: ${passed} passed, ${failed} failed, vitest ended with ${code}`;
}
