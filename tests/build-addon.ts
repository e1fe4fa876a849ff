import { builtAddon } from '../core/tensor/native/build.js';

/** Compiles the kernels, where the cache has none, before any test waits for them. Where that fails the tests of backend native say why. */
export async function setup(): Promise<void> {
  await builtAddon({ extraFlags: (process.env.VERLET_NATIVE_FLAGS ?? '').split(' ').filter(Boolean) });
}
