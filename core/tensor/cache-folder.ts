import { accessSync, constants, lstatSync, mkdirSync } from 'node:fs';
import { homedir, tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';

/** Where what was built for this user lies, shared by all checkouts; deleting it costs a build. It need not exist. */
export function cacheFolder(): string {
  return join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'verlet');
}

/**
 * `name` in the user's cache or, where that cannot be written (a read-only home, a container), in a folder of the user's own
 * among the temporary ones; made if it was not there. Throws what stood in the way of the first when neither can be had.
 */
export function writableCacheFolder(name: string): string {
  const folder = join(cacheFolder(), name);
  try {
    return madeWritable(folder);
  } catch (error) {
    const own = join(tmpdir(), `verlet-${userInfo().uid}`);
    if (!isPrivate(own)) throw error;
    return madeWritable(join(own, name));
  }
}

function madeWritable(folder: string): string {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  accessSync(folder, constants.W_OK);
  return folder;
}

/** Makes the folder; false when somebody else may write there, whose files are not to be run. */
function isPrivate(folder: string): boolean {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const found = lstatSync(folder);
  return found.isDirectory() && found.uid === userInfo().uid && (found.mode & 0o022) === 0;
}
