import { chmodSync, copyFileSync, existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runCommand, runMain, say } from './command.mjs';
import { withLock } from './lock.mjs';
import { isBuilt, listFiles, ROOMS, sourcesHash, stampPath } from './sources.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const GRADIENTS = 'core/tensor/tfjs-gradients.js';

await runMain(() => withLock(root, buildIfStale));

async function buildIfStale() {
  if (isBuilt(root)) return;
  say('building dist');
  const hash = sourcesHash(root);
  const next = freshFolder('dist.next');
  await compile(next);
  copyAssets(next);
  await bundleGradients(join(next, GRADIENTS));
  makeExecutable(join(next, 'cli/main.js'));
  writeFileSync(stampPath(next), hash);
  replaceDist(next);
}

async function compile(next) {
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  await runCommand(process.execPath, [tsc, '-p', 'tsconfig.build.json', '--outDir', next], { cwd: root });
}

/** Whatever in a room is not TypeScript lies beside the compiled files under the same name. */
function copyAssets(next) {
  const assets = ROOMS.flatMap((room) => listFiles(root, room)).filter((path) => !path.endsWith('.ts'));
  for (const path of assets) {
    mkdirSync(dirname(join(next, path)), { recursive: true });
    copyFileSync(join(root, path), join(next, path));
  }
}

/** Node cannot load the gradient files of tfjs (their imports have no extensions), so their bundle takes the file's place. */
async function bundleGradients(file) {
  if (!existsSync(file)) return;
  const { build } = await import('rolldown');
  const bundle = `${file}.bundle`;
  // The flags that registering reads are defined by the real copy of the library, which therefore comes first.
  const banner = "import '@tensorflow/tfjs-core';";
  await build({ input: file, platform: 'node', logLevel: 'warn', output: { file: bundle, format: 'esm', banner } });
  renameSync(bundle, file);
  rmSync(`${file}.map`, { force: true });
}

function makeExecutable(file) {
  if (existsSync(file)) chmodSync(file, 0o755);
}

/** Two renames: a reader sees the old build or the new one, never a mixture. */
function replaceDist(next) {
  const old = join(root, 'dist.old');
  const dist = join(root, 'dist');
  rmSync(old, { recursive: true, force: true });
  if (existsSync(dist)) renameSync(dist, old);
  renameSync(next, dist);
  rmSync(old, { recursive: true, force: true });
}

function freshFolder(name) {
  const path = join(root, name);
  rmSync(path, { recursive: true, force: true });
  mkdirSync(path);
  return path;
}
