import { createRequire } from 'node:module';
import { builtAddon } from './build.js';

/** The compiled kernels. They write into the arrays they are given; shapes are checked by the caller, lengths by the addon. */
export interface Addon {
  isa(): string;
  /** Takes avx512, avx2 or portable from here on, which give the same numbers, or avx512bf16, which rounds what matrix products take in. Throws RangeError where the processor lacks it. */
  useIsa(isa: string): void;
  /** 0 asks for one thread a processor. */
  setThreads(count: number): void;
  threads(): number;
  scratchBytes(): number;
  gemm(
    a: Float32Array,
    b: Float32Array,
    c: Float32Array,
    batch: number,
    rows: number,
    columns: number,
    inner: number,
    transposeA: boolean,
    transposeB: boolean,
    aStride: number,
    bStride: number,
    accumulate: boolean,
    bias?: Float32Array,
  ): void;
  linearLogProbs(
    x: Float32Array,
    weight: Float32Array,
    rows: number,
    width: number,
    vocabulary: number,
    targets: Int32Array,
    temperature: number,
    logProbs: Float32Array,
    entropy: Float32Array,
    logSumExp: Float32Array,
  ): void;
  linearLogProbsGrad(
    x: Float32Array,
    weight: Float32Array,
    rows: number,
    width: number,
    vocabulary: number,
    dLogProbs: Float32Array,
    dEntropy: Float32Array,
    targets: Int32Array,
    entropy: Float32Array,
    logSumExp: Float32Array,
    temperature: number,
    dx: Float32Array,
    dWeight: Float32Array,
  ): void;
  sampleTokens(
    hidden: Float32Array,
    weight: Float32Array,
    rows: number,
    width: number,
    vocabulary: number,
    temperature: Float32Array,
    topK: Int32Array,
    topP: Float32Array,
    minP: Float32Array,
    seeds: Uint32Array,
    counters: Uint32Array,
    tokens: Int32Array,
    logProbs: Float32Array,
    samplingLogProbs: Float32Array,
  ): void;
}

let loading: Promise<{ addon: Addon } | { reason: string }> | undefined;

/** Builds, where needed, and loads the addon, once a process; a reason in a sentence when that cannot be done here. */
export function loadAddon(): Promise<{ addon: Addon } | { reason: string }> {
  loading ??= load();
  return loading;
}

async function load(): Promise<{ addon: Addon } | { reason: string }> {
  const built = await builtAddon({ extraFlags: (process.env.VERLET_NATIVE_FLAGS ?? '').split(' ').filter(Boolean) });
  if ('reason' in built) return built;
  try {
    return { addon: createRequire(import.meta.url)(built.path) as Addon };
  } catch (error) {
    return { reason: `the addon does not load: ${error instanceof Error ? error.message : String(error)}` };
  }
}
