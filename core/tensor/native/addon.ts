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
  /** Asks the system for huge pages, before the array is first touched; returns how many bytes behind a page's start it begins. */
  prepareArray(values: Float32Array, length: number): number;
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
    softcap: number,
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
    softcap: number,
    dLogProbs: Float32Array,
    dEntropy: Float32Array,
    targets: Int32Array,
    entropy: Float32Array,
    logSumExp: Float32Array,
    temperature: number,
    dx: Float32Array,
    dWeight?: Float32Array,
  ): void;
  sampleTokens(
    hidden: Float32Array,
    weight: Float32Array,
    rows: number,
    width: number,
    vocabulary: number,
    softcap: number,
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
  /** `op` is a place in `unaryOps`; `low` and `high` bound what clip returns. */
  unary(op: number, x: Float32Array, out: Float32Array, count: number, low: number, high: number): void;
  /** out[r, c] = op(a[r · aRow + c · aColumn], b[r · bRow + c · bColumn]); `op` is a place in `binaryOps`, column strides are 0 or 1. */
  binary(
    op: number,
    a: Float32Array,
    b: Float32Array,
    out: Float32Array,
    rows: number,
    columns: number,
    aRow: number,
    aColumn: number,
    bRow: number,
    bColumn: number,
  ): void;
  accumulate(sum: Float32Array, addend: Float32Array, count: number): void;
  select(condition: Uint8Array, a: Float32Array, b: Float32Array, out: Float32Array, count: number): void;
  sumAlongRows(x: Float32Array, out: Float32Array, rows: number, columns: number, scale: number): void;
  maxAlongRows(x: Float32Array, out: Float32Array, rows: number, columns: number): void;
  sumRows(x: Float32Array, out: Float32Array, rows: number, columns: number): void;
  squaredNorm(x: Float32Array, count: number): number;
  softmax(x: Float32Array, out: Float32Array, rows: number, columns: number): void;
  rmsNorm(
    x: Float32Array,
    weight: Float32Array,
    rows: number,
    columns: number,
    eps: number,
    offset: number,
    out: Float32Array,
  ): void;
  rmsNormGrad(
    x: Float32Array,
    weight: Float32Array,
    rows: number,
    columns: number,
    eps: number,
    offset: number,
    dy: Float32Array,
    dx: Float32Array,
    dWeight: Float32Array,
  ): void;
  rotary(
    x: Float32Array,
    cos: Float32Array,
    sin: Float32Array,
    positions: Int32Array,
    out: Float32Array,
    rows: number,
    heads: number,
    dim: number,
    angles: number,
    inverse: boolean,
  ): void;
  swiglu(gate: Float32Array, up: Float32Array, out: Float32Array, count: number): void;
  swigluGrad(
    dy: Float32Array,
    gate: Float32Array,
    up: Float32Array,
    dGate: Float32Array,
    dUp: Float32Array,
    count: number,
  ): void;
  geglu(gate: Float32Array, up: Float32Array, out: Float32Array, count: number): void;
  gegluGrad(
    dy: Float32Array,
    gate: Float32Array,
    up: Float32Array,
    dGate: Float32Array,
    dUp: Float32Array,
    count: number,
  ): void;
  gatherRows(
    table: Float32Array,
    indices: Int32Array,
    out: Float32Array,
    count: number,
    rows: number,
    columns: number,
  ): void;
  scatterRows(
    x: Float32Array,
    indices: Int32Array,
    sums: Float32Array,
    count: number,
    rows: number,
    columns: number,
  ): void;
  adamW(
    variable: Float32Array,
    gradient: Float32Array,
    first: Float32Array,
    second: Float32Array,
    count: number,
    lr: number,
    beta1: number,
    beta2: number,
    eps: number,
    weightDecay: number,
    step: number,
    gradientScale: number,
  ): void;
  /** `layout`: the sizes of `to`, contiguous, then the strides in `from`, which begins at `offset`. */
  copyStrided(from: Float32Array, to: Float32Array, layout: Int32Array, offset: number): void;
  copyRows(
    from: Float32Array,
    to: Float32Array,
    rows: number,
    columns: number,
    fromStride: number,
    toStride: number,
    toOffset: number,
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
    scale: number,
    softcap: number,
    window: number,
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
    scale: number,
    softcap: number,
    window: number,
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
    scale: number,
    softcap: number,
    window: number,
  ): void;
}

let loading: Promise<{ addon: Addon } | { reason: string }> | undefined;

/**
 * Builds, where needed, and loads the addon, once a process; a reason in a sentence when that cannot be done here. Of the environment
 * it takes VERLET_NATIVE_FLAGS, further flags for the compiler, and VERLET_NATIVE_ISA, an instruction set other than the best.
 */
export function loadAddon(): Promise<{ addon: Addon } | { reason: string }> {
  loading ??= load();
  return loading;
}

async function load(): Promise<{ addon: Addon } | { reason: string }> {
  const { VERLET_NATIVE_FLAGS: extraFlags = '', VERLET_NATIVE_ISA: isa } = process.env;
  const built = await builtAddon({ extraFlags: extraFlags.split(' ').filter(Boolean) });
  if ('reason' in built) return built;
  try {
    const addon: Addon = createRequire(import.meta.url)(built.path);
    if (isa) addon.useIsa(isa);
    return { addon };
  } catch (error) {
    return { reason: `the compiled kernels do not load: ${error instanceof Error ? error.message : String(error)}` };
  }
}
