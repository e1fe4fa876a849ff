import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { type Addon, loadAddon } from '../../core/tensor/native/addon.js';
import { builtAddon } from '../../core/tensor/native/build.js';

export const isas = ['avx512', 'avx2', 'portable'] as const;
export type Isa = (typeof isas)[number];

/** The addon of this process, on one thread or many: `threads` is a function of it. */
export async function loadedAddon(): Promise<Addon> {
  const loaded = await loadAddon();
  if ('reason' in loaded) throw new Error(loaded.reason);
  return loaded.addon;
}

/**
 * What `program` makes of the addon in a process of its own that is held to each instruction set this processor has: a digest of the bits of
 * its arrays. The program's source goes to that process, so it must not use anything from around it.
 */
export async function digests(program: (addon: Addon) => readonly Float32Array[]): Promise<Map<Isa, string>> {
  const built = await builtAddon({ extraFlags: (process.env.VERLET_NATIVE_FLAGS ?? '').split(' ').filter(Boolean) });
  if ('reason' in built) throw new Error(built.reason);
  const found = new Map<Isa, string>();
  for (const isa of isas) {
    const { stdout } = await promisify(execFile)(process.execPath, ['-e', source(program)], {
      env: { ...process.env, VERLET_NATIVE_ISA: isa, VERLET_ADDON: built.path },
    });
    const { used, digest } = JSON.parse(stdout) as { used: Isa; digest: string };
    found.set(used, digest);
  }
  return found;
}

function source(program: (addon: Addon) => readonly Float32Array[]): string {
  return `
    const addon = require(process.env.VERLET_ADDON);
    addon.setThreads(1);
    const hash = require('node:crypto').createHash('sha256');
    for (const values of (${program})(addon)) hash.update(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
    console.log(JSON.stringify({ used: addon.isa, digest: hash.digest('hex') }));`;
}
