import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { runMain, SetupError, say } from './command.mjs';
import { withLock } from './lock.mjs';
import { arePackagesInstalled, installPackages } from './packages.mjs';
import { isBuilt } from './sources.mjs';
import { areSystemPartsSettled, installSystemParts } from './system-parts.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** Brings a fresh checkout to where it can run: packages, system programs, build. Silent and fast when nothing is to do. */
export async function setUp() {
  requireNode(process.versions.node);
  if (!arePackagesInstalled(root) || !areSystemPartsSettled(root)) await withLock(root, installWhatIsMissing);
  if (!isBuilt(root)) build();
  await buildAddon();
}

/** Compiles the tensor kernels into the user's cache unless they are there; without them everything works, on wasm. */
async function buildAddon() {
  const builder = join(root, 'dist/core/tensor/native/build.js');
  if (!existsSync(builder)) return;
  const { builtAddon } = await import(pathToFileURL(builder).href);
  const built = await builtAddon({ extraFlags: [], onBuild: () => say('compiling the tensor kernels') });
  if ('reason' in built && areSystemPartsSettled(root))
    say(`no tensor kernels of our own, tfjs on wasm stands in: ${built.reason}`);
}

/** Asks again: while this process waited for the lock, another one may have done the work. */
async function installWhatIsMissing() {
  if (!arePackagesInstalled(root)) await installPackages(root);
  if (!areSystemPartsSettled(root)) await installSystemParts(root);
}

/** In a process of its own, so that the compiler's memory is gone when training starts; it says itself what went wrong. */
function build() {
  const { status } = spawnSync(process.execPath, [join(root, 'scripts/build.mjs')], { stdio: ['ignore', 2, 2] });
  if (status !== 0) process.exit(1);
}

/** What the packages of the build and the tests need too. */
function requireNode(version) {
  const [major, minor] = version.split('.').map(Number);
  const isSupported = (major === 20 && minor >= 19) || (major === 22 && minor >= 12) || major > 22;
  if (!isSupported)
    throw new SetupError(`verlet needs Node 20.19 or newer of line 20, or 22.12 or newer; this is ${version}.`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await runMain(setUp);
