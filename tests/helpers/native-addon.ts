import { serialize } from 'node:v8';
import * as tf from '@tensorflow/tfjs-core';
import { expect } from 'vitest';
import { type Addon, loadAddon } from '../../core/tensor/native/addon.js';
import { NativeBackend } from '../../core/tensor/native/backend.js';

/** The addon; fails the test where it cannot be built. */
export async function nativeAddon(): Promise<Addon> {
  const loaded = await loadAddon();
  if ('reason' in loaded) throw new Error(loaded.reason);
  return loaded.addon;
}

/** The current backend. */
export function nativeBackend(): NativeBackend {
  const backend: unknown = tf.backend();
  if (!(backend instanceof NativeBackend)) throw new Error('backend native is not the current one');
  return backend;
}

/**
 * Fails unless `compute` returns the same bits (numbers and typed arrays, in arrays and objects) on each instruction set of this
 * processor with 1, 2 and 5 threads; returns them. The portable kernels, slow on x86, run once where there are others. Afterwards
 * everything is set as it was.
 */
export async function onEverySetting<Result>(compute: () => Result): Promise<Result> {
  const addon = await nativeAddon();
  const [isa, threads] = [addon.isa(), addon.threads()];
  const results: { readonly setting: string; readonly result: Result }[] = [];
  try {
    for (const name of availableIsas(addon)) {
      addon.useIsa(name);
      for (const count of name === 'portable' && results.length > 0 ? [2] : [1, 2, 5]) {
        addon.setThreads(count);
        results.push({ setting: `${name}, ${count} threads`, result: compute() });
      }
    }
  } finally {
    addon.useIsa(isa);
    addon.setThreads(threads);
  }
  const [first, ...others] = results;
  if (first === undefined) throw new Error('there is no instruction set');
  for (const other of others) expectSameBits(other, first);
  return first.result;
}

/** The instruction sets of this processor whose numbers must be the same. */
export function availableIsas(addon: Addon): string[] {
  const before = addon.isa();
  const available = ['avx512', 'avx2', 'portable'].filter((isa) => has(addon, isa));
  addon.useIsa(before);
  return available;
}

/** Takes an instruction set until it is disposed. Throws RangeError where the processor lacks it. */
export async function useIsa(name: string): Promise<Disposable> {
  const addon = await nativeAddon();
  const before = addon.isa();
  addon.useIsa(name);
  return { [Symbol.dispose]: () => addon.useIsa(before) };
}

/** Takes the instruction set where the processor has it. */
export function has(addon: Addon, isa: string): boolean {
  try {
    addon.useIsa(isa);
    return true;
  } catch {
    return false;
  }
}

/** By their bytes, which is quick for long arrays; only what differs is compared entry by entry. */
function expectSameBits<Result>(
  { setting, result }: { readonly setting: string; readonly result: Result },
  first: { readonly setting: string; readonly result: Result },
): void {
  if (serialize(result).equals(serialize(first.result))) return;
  expect(result, `on ${setting}, unlike ${first.setting}`).toEqual(first.result);
  expect.fail(`on ${setting} some bits are not those of ${first.setting}`);
}
