import { chmodSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { builtAddon } from '../../../../core/tensor/native/build.js';
import { TemporaryFolder } from '../../../helpers/temporary-folder.js';

afterEach(() => vi.unstubAllEnvs());
beforeEach(() => vi.resetModules());

test('without a compiler the reason says what is missing', async () => {
  using machine = machineWith({});
  expect(machine.path).not.toBe('');
  expect(await builtAddon({ extraFlags: [] })).toEqual({
    reason: 'a C++ compiler is needed: g++ is not installed; clang++ is not installed',
  });
});

test('a compiler that fails is followed by the next, its error is quoted, and nothing of it stays', async () => {
  using machine = machineWith({ 'g++': 'echo "note" >&2; echo "pool.cpp:1: error: no such thing" >&2; exit 1' });
  expect(await builtAddon({ extraFlags: [] })).toEqual({
    reason: 'a C++ compiler is needed: g++: pool.cpp:1: error: no such thing; clang++ is not installed',
  });
  const [hash = ''] = readdirSync(join(machine.path, 'verlet/native'));
  expect(readdirSync(join(machine.path, 'verlet/native', hash))).toEqual([]);
});

test('an instruction set that the processor lacks is a reason, not another one in its place', async () => {
  vi.stubEnv('VERLET_NATIVE_ISA', 'sse9');
  const { loadAddon } = await import('../../../../core/tensor/native/addon.js');
  const reason = 'the compiled kernels do not load: this processor has no instruction set sse9';
  expect(await loadAddon()).toEqual({ reason });
});

/** An empty cache, and nothing but these compilers, shell scripts. */
function machineWith(compilers: { readonly [name: string]: string }): TemporaryFolder {
  const scripts = Object.entries(compilers).map(([name, script]) => [`bin/${name}`, `#!/bin/sh\n${script}\n`] as const);
  const machine = new TemporaryFolder().write(Object.fromEntries(scripts));
  for (const [path] of scripts) chmodSync(join(machine.path, path), 0o755);
  vi.stubEnv('PATH', join(machine.path, 'bin'));
  vi.stubEnv('XDG_CACHE_HOME', machine.path);
  return machine;
}
