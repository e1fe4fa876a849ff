import { accessSync, constants, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { runCommand, SetupError, say } from './command.mjs';

/** Programs the system uses when they are there, and what happens without them. */
const PARTS = [
  { program: 'redis-server', package: 'redis-server', instead: 'jobs stay in one process (the in-process job fabric)' },
  { program: 'bwrap', package: 'bubblewrap', instead: 'sandboxes are plain processes with limits, without isolation' },
  {
    program: 'g++',
    orElse: 'clang++',
    package: 'g++',
    instead: 'tensors are computed by tfjs on wasm, many times slower',
  },
  { program: 'python3', package: 'python3', instead: 'nothing stands in: the python tool cannot run' },
];

const NOTE = 'node_modules/.verlet-missing-parts';
const POLICY = '/usr/sbin/policy-rc.d';
const APT_OPTIONS = [
  '-q',
  '-y',
  '-o',
  'DPkg::Lock::Timeout=120',
  '-o',
  'Acquire::http::Timeout=20',
  '-o',
  'Acquire::Retries=1',
];

/** True when there is nothing to install and nothing new to say. */
export function areSystemPartsSettled(root) {
  const missing = missingParts();
  return missing.length === 0 || names(missing) === readNote(root);
}

/** Installs missing programs where that is possible (root on Debian); says what stands in for the others, once. */
export async function installSystemParts(root) {
  const canInstall = process.getuid?.() === 0 && isOnPath('apt-get');
  if (canInstall) await tryInstall(root, missingParts());
  const missing = missingParts();
  for (const part of missing) {
    say(`${part.program} is missing: ${part.instead}. To add it: apt-get install ${part.package}`);
  }
  writeNote(root, missing);
}

async function tryInstall(root, parts) {
  say(`installing ${parts.map((part) => part.package).join(', ')} (apt-get; nothing is started as a service)`);
  try {
    await install(root, parts);
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    say(error.message);
  }
}

async function install(root, parts) {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' };
  const options = { cwd: root, env };
  const packages = parts.map((part) => part.package);
  const ownsPolicy = forbidServices();
  try {
    await runCommand('apt-get', [...APT_OPTIONS, 'update'], options);
    await runCommand('apt-get', [...APT_OPTIONS, 'install', '--no-install-recommends', ...packages], options);
    if (packages.includes('redis-server') && existsSync('/run/systemd/system')) {
      await runCommand('systemctl', ['disable', 'redis-server'], options);
    }
  } finally {
    if (ownsPolicy) rmSync(POLICY, { force: true });
  }
}

/** Debian asks this file before it starts a service. Ours forbids only while this process lives; a foreign one stays. */
function forbidServices() {
  if (existsSync(POLICY)) return false;
  const script = `#!/bin/sh\n# Left over from an interrupted setup of verlet: harmless, may be deleted.\nkill -0 ${process.pid} && exit 101\nexit 0\n`;
  writeFileSync(POLICY, script, { mode: 0o755 });
  return true;
}

function missingParts() {
  return PARTS.filter(({ program, orElse }) => !isOnPath(program) && !(orElse && isOnPath(orElse)));
}

function isOnPath(program) {
  return (process.env.PATH ?? '').split(delimiter).some((folder) => isExecutable(join(folder, program)));
}

function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function names(parts) {
  return parts.map((part) => part.program).join(' ');
}

/** What was missing at the last run: it is neither tried nor said again until that changes. */
function readNote(root) {
  const path = join(root, NOTE);
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined;
}

function writeNote(root, missing) {
  mkdirSync(join(root, 'node_modules'), { recursive: true });
  writeFileSync(join(root, NOTE), names(missing));
}
