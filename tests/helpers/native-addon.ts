import { type Addon, loadAddon } from '../../core/tensor/native/addon.js';

/** The addon; fails the test where it cannot be built. */
export async function nativeAddon(): Promise<Addon> {
  const loaded = await loadAddon();
  if ('reason' in loaded) throw new Error(loaded.reason);
  return loaded.addon;
}

/** What `compute` returns on each instruction set of this processor with 1 and 2 threads, by name; then everything is as it was. */
export function onEverySetting<Result>(addon: Addon, compute: () => Result): ReadonlyMap<string, Result> {
  const [isa, threads] = [addon.isa(), addon.threads()];
  const results = new Map<string, Result>();
  try {
    for (const name of availableIsas(addon)) {
      addon.useIsa(name);
      for (const count of [1, 2]) {
        addon.setThreads(count);
        results.set(`${name}, ${count} threads`, compute());
      }
    }
  } finally {
    addon.useIsa(isa);
    addon.setThreads(threads);
  }
  return results;
}

/** The instruction sets of this processor whose numbers must be the same. */
export function availableIsas(addon: Addon): string[] {
  const before = addon.isa();
  const available = ['avx512', 'avx2', 'portable'].filter((isa) => {
    try {
      addon.useIsa(isa);
      return true;
    } catch {
      return false;
    }
  });
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
