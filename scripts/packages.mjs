import { createHash } from 'node:crypto';
import { existsSync, lstatSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runCommand, SetupError, say } from './command.mjs';

const STAMP = 'node_modules/.verlet-packages';

/** True when node_modules holds what package-lock.json says. */
export function arePackagesInstalled(root) {
  return readIfThere(join(root, STAMP)) === lockHash(root);
}

/** Makes node_modules what package-lock.json says; an installation made by hand that already fits is kept. */
export async function installPackages(root) {
  if (!fitsLock(root)) {
    refuseLink(root);
    say('installing the packages of package-lock.json (npm ci)');
    await runNpmCi(root);
  }
  mkdirSync(join(root, 'node_modules'), { recursive: true });
  writeFileSync(join(root, STAMP), lockHash(root));
}

/** No package needs its install script, so none is run; development packages are needed by the build. */
async function runNpmCi(root) {
  const args = ['ci', '--no-audit', '--no-fund', '--ignore-scripts', '--include=dev'];
  await runCommand('npm', args, { cwd: root });
}

function lockHash(root) {
  const lock = readFileSync(join(root, 'package-lock.json'));
  return createHash('sha256').update(lock).update(`${process.platform} ${process.arch}`).digest('hex');
}

/** Compares with the list that npm leaves at the end of a whole installation. */
function fitsLock(root) {
  const installed = readIfThere(join(root, 'node_modules/.package-lock.json'));
  if (installed === undefined) return false;
  const present = JSON.parse(installed).packages;
  const wanted = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages;
  return Object.entries(wanted).every(([path, entry]) => path === '' || isPresent(root, path, entry, present[path]));
}

function isPresent(root, path, wanted, present) {
  if (present === undefined) return wanted.optional === true && !isForThisMachine(wanted);
  return present.version === wanted.version && present.integrity === wanted.integrity && existsSync(join(root, path));
}

/** Optional packages are left out by npm where system, processor or C library differ. */
function isForThisMachine({ os = [process.platform], cpu = [process.arch], libc }) {
  return libc === undefined && os.includes(process.platform) && cpu.includes(process.arch);
}

/** npm ci would empty the folder of whoever owns it. */
function refuseLink(root) {
  const path = join(root, 'node_modules');
  if (!lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink()) return;
  throw new SetupError(
    `${path} is a link and does not fit package-lock.json; run npm ci where it points, or remove the link.`,
  );
}

function readIfThere(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (error.code !== 'ENOENT') throw error;
    return undefined;
  }
}
