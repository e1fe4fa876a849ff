import * as tf from '@tensorflow/tfjs-core';
import type { MatmulPrecision } from '../backend-names.js';
import { completeWithComposed } from '../fused-kernel.js';
import { type Addon, loadAddon } from './addon.js';
import { ArrayPool } from './array-pool.js';
import { attention, attentionGrad } from './attention.js';
import { NativeBackend } from './backend.js';
import { batchMatMul } from './batch-mat-mul.js';
import { cachedAttention } from './cached-attention.js';
import { copyKernels } from './copy-kernels.js';
import { elementwiseKernels } from './elementwise.js';
import { embedding, embeddingGrad, gather } from './embedding.js';
import { fillKernels } from './fill.js';
import { geglu, gegluGrad } from './geglu.js';
import { linear, linearGradWeight, linearGradX } from './linear.js';
import { linearLogProbs, linearLogProbsGrad } from './linear-log-probs.js';
import { linearLora, linearLoraGradX, loraReduced } from './linear-lora.js';
import { type NativeKernel, registerNative } from './native-kernel.js';
import { reductionKernels } from './reductions.js';
import { rmsNorm, rmsNormGrad } from './rms-norm.js';
import { rotary } from './rotary.js';
import { sampleTokens } from './sample-tokens.js';
import { swiglu, swigluGrad } from './swiglu.js';
import { accumulate, adamW } from './updates.js';

/** Kernels of the addon; all others are tfjs's for the cpu, or compositions. */
const kernels: readonly NativeKernel<never>[] = [
  batchMatMul,
  linear,
  linearGradX,
  linearGradWeight,
  linearLora,
  loraReduced,
  linearLoraGradX,
  linearLogProbs,
  linearLogProbsGrad,
  sampleTokens,
  rmsNorm,
  rmsNormGrad,
  rotary,
  swiglu,
  swigluGrad,
  geglu,
  gegluGrad,
  embedding,
  embeddingGrad,
  gather,
  adamW,
  accumulate,
  ...reductionKernels,
  ...elementwiseKernels,
  ...copyKernels,
  ...fillKernels,
  attention,
  attentionGrad,
  cachedAttention,
];

let addonInUse: Addon | undefined;

interface NativeOptions {
  readonly threads?: number;
  readonly matmulPrecision?: MatmulPrecision;
}

/** Makes backend `native` known to tfjs; undefined when it can be used, else a sentence that says why not. */
export async function registerNativeBackend({
  threads = 0,
  matmulPrecision = 'float32',
}: NativeOptions): Promise<string | undefined> {
  const loaded = await loadAddon();
  if ('reason' in loaded) return loaded.reason;
  const { addon } = loaded;
  addon.setThreads(threads);
  const problem = choosePrecision(addon, matmulPrecision);
  if (problem !== undefined) return problem;
  if (addonInUse !== undefined) return undefined;
  addonInUse = addon;
  tf.registerBackend('native', () => new NativeBackend(arrayPool(addon)));
  tf.copyRegisteredKernels('cpu', 'native');
  for (const kernel of kernels) registerNative(addon, kernel);
  completeWithComposed('native');
  return undefined;
}

/** VERLET_NATIVE_POOL=off is for sanitizers. */
function arrayPool(addon: Addon): ArrayPool {
  const isOff = process.env.VERLET_NATIVE_POOL === 'off';
  const prepare = (values: Float32Array): number => addon.prepareArray(values, values.length);
  return new ArrayPool({ isExact: isOff, isPoisoned: isOff, prepare });
}

/** The instruction set to go back to from bfloat16. */
let float32Isa = 'avx512';

/** Undefined when the kernels now multiply as asked, else why they cannot. */
function choosePrecision(addon: Addon, precision: MatmulPrecision): string | undefined {
  const isa = addon.isa();
  const isBfloat16 = isa === 'avx512bf16';
  if (isBfloat16 === (precision === 'bfloat16')) return undefined;
  try {
    addon.useIsa(isBfloat16 ? float32Isa : 'avx512bf16');
    if (!isBfloat16) float32Isa = isa;
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
