import { createRequire } from 'node:module';
import { builtAddon } from './build.js';

/** The compiled kernels. They write into the arrays they are given; shapes are checked by the caller, lengths by the addon. */
export interface Addon {
  readonly isa: 'avx512' | 'avx2' | 'portable';
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
  attention(
    q: Float32Array,
    k: Float32Array,
    v: Float32Array,
    out: Float32Array,
    logSumExp: Float32Array,
    offsets: Int32Array,
    rows: number,
    sequences: number,
    heads: number,
    kvHeads: number,
    headDim: number,
  ): void;
  attentionGrad(
    dOut: Float32Array,
    q: Float32Array,
    k: Float32Array,
    v: Float32Array,
    out: Float32Array,
    logSumExp: Float32Array,
    dq: Float32Array,
    dk: Float32Array,
    dv: Float32Array,
    offsets: Int32Array,
    rows: number,
    sequences: number,
    heads: number,
    kvHeads: number,
    headDim: number,
  ): void;
  cachedAttention(
    q: Float32Array,
    k: Float32Array,
    v: Float32Array,
    out: Float32Array,
    keySlabs: readonly Float32Array[],
    valueSlabs: readonly Float32Array[],
    pagesPerSlab: number,
    lengths: Int32Array,
    offsets: Int32Array,
    blocks: Int32Array,
    blockOffsets: Int32Array,
    rows: number,
    sequences: number,
    blockCount: number,
    heads: number,
    kvHeads: number,
    headDim: number,
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
