import { readFileSync } from 'node:fs';

/** A host user that untrusted code runs as. */
export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

const FIRST_ID = 61_000;
const IDS = 4_000;

/**
 * A host user for the n-th sandbox of this process, who needs no account. Undefined where we are not root, and so neither can nor
 * must give rights away, and where we are root of a user namespace without such users.
 */
export function ownerOf(index: number): Owner | undefined {
  if (process.getuid?.() !== 0 || !(isMapped('uid_map') && isMapped('gid_map'))) return undefined;
  const id = FIRST_ID + ((process.pid * 101 + index) % IDS);
  return { uid: id, gid: id };
}

/** Lines of the map: first id inside, first id outside, count. Elsewhere than on Linux root has all users. */
function isMapped(map: 'uid_map' | 'gid_map'): boolean {
  if (process.platform !== 'linux') return true;
  const lines = readFileSync(`/proc/self/${map}`, 'utf8').trim().split('\n');
  return lines.some((line) => {
    const [first = 0, , count = 0] = line.trim().split(/\s+/).map(Number);
    return first <= FIRST_ID && first + count >= FIRST_ID + IDS;
  });
}
