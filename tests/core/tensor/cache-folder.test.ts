import { chmodSync, mkdirSync, statSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { writableCacheFolder } from '../../../core/tensor/cache-folder.js';
import { TemporaryFolder } from '../../helpers/temporary-folder.js';

afterEach(() => vi.unstubAllEnvs());

test('is made in the cache of the user', () => {
  using cache = new TemporaryFolder();
  vi.stubEnv('XDG_CACHE_HOME', cache.path);
  expect(writableCacheFolder('a/b')).toBe(join(cache.path, 'verlet/a/b'));
  expect(statSync(join(cache.path, 'verlet/a/b')).isDirectory()).toBe(true);
});

test('is a private temporary folder where the cache cannot be written', () => {
  using machine = machineWithoutCache();
  const own = join(machine.path, `verlet-${userInfo().uid}`);
  expect(writableCacheFolder('a')).toBe(join(own, 'a'));
  expect(statSync(own).mode & 0o777).toBe(0o700);
});

test('is never one that others may write to: what stood in the way of the cache is thrown', () => {
  using machine = machineWithoutCache();
  const own = join(machine.path, `verlet-${userInfo().uid}`);
  mkdirSync(own);
  chmodSync(own, 0o777);
  expect(() => writableCacheFolder('a')).toThrow('ENOTDIR');
});

/** A file stands where the cache should be. */
function machineWithoutCache(): TemporaryFolder {
  const machine = new TemporaryFolder().write({ cache: '' });
  vi.stubEnv('XDG_CACHE_HOME', join(machine.path, 'cache'));
  vi.stubEnv('TMPDIR', machine.path);
  return machine;
}
