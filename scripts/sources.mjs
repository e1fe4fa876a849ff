import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Folders that are built: the rooms of the package from left to right, and the benches and checks, which run on what is shipped. */
export const ROOMS = ['core', 'sandbox', 'tools', 'envs', 'rollout', 'cli', 'bench', 'verify'];

const ALSO_READ = ['package-lock.json', 'tsconfig.json', 'tsconfig.build.json', 'scripts/build.mjs'];

/** True when dist was built from exactly the present sources. */
export function isBuilt(root) {
  const path = stampPath(join(root, 'dist'));
  return existsSync(path) && readFileSync(path, 'utf8') === sourcesHash(root);
}

/** Where a build folder says what it was built from. */
export function stampPath(dist) {
  return join(dist, '.sources-hash');
}

/** Contents, not times: switching branches back and forth needs no new build. */
export function sourcesHash(root) {
  const hash = createHash('sha256');
  for (const path of [...ALSO_READ, ...ROOMS.flatMap((room) => listFiles(root, room))]) {
    const contents = readFileSync(join(root, path));
    hash.update(`${path}\0${contents.length}\0`).update(contents);
  }
  return hash.digest('hex');
}

/** Files below a folder, relative to the root, sorted; a folder that does not exist has none. */
export function listFiles(root, folder) {
  const path = join(root, folder);
  if (!existsSync(path)) return [];
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1))
    .sort();
}
