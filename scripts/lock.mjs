import { linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { SetupError } from './command.mjs';

const PATIENCE_MS = 15 * 60_000;
const POLL_MS = 100;

/** Runs `work` while no other process of this checkout does; a lock whose owner has died counts for nothing. */
export async function withLock(root, work) {
  const path = join(root, '.setup.lock');
  await acquire(path);
  try {
    return await work();
  } finally {
    rmSync(path, { force: true });
  }
}

async function acquire(path) {
  const giveUpAt = Date.now() + PATIENCE_MS;
  while (!tryAcquire(path)) {
    if (Date.now() > giveUpAt)
      throw new SetupError(`another setup holds ${path} for 15 minutes; delete it if none runs.`);
    breakIfDead(path);
    await sleep(POLL_MS);
  }
}

/** The file is linked into place whole, so that nobody ever reads a lock without its owner. */
function tryAcquire(path) {
  const draft = `${path}.${process.pid}`;
  writeFileSync(draft, `${process.pid}\n`);
  try {
    linkSync(draft, path);
    return true;
  } catch (error) {
    if (error.code !== 'EEXIST') throw error;
    return false;
  } finally {
    rmSync(draft, { force: true });
  }
}

/** The breaking itself is under a lock, or two waiters could delete the dead lock and then each other's new one. */
function breakIfDead(path) {
  if (isAlive(readOwner(path))) return;
  const breaking = `${path}.break`;
  if (isAlive(readOwner(breaking))) return;
  rmSync(breaking, { force: true });
  if (!tryAcquire(breaking)) return;
  if (!isAlive(readOwner(path))) rmSync(path, { force: true });
  rmSync(breaking, { force: true });
}

function readOwner(path) {
  try {
    return Number(readFileSync(path, 'utf8'));
  } catch (error) {
    if (error.code !== 'ENOENT') throw error;
    return undefined;
  }
}

function isAlive(pid) {
  if (pid === undefined) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}
