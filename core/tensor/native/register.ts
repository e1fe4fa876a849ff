import * as tf from '@tensorflow/tfjs-core';
import { completeWithComposed } from '../fused-kernel.js';
import { type Addon, loadAddon } from './addon.js';
import { NativeBackend } from './backend.js';
import { batchMatMul } from './batch-mat-mul.js';
import { copyKernels } from './copy-kernels.js';
import { elementwiseKernels } from './elementwise.js';
import { embedding, embeddingGrad, gather } from './embedding.js';
import { fillKernels } from './fill.js';
import { linear, linearGradWeight, linearGradX } from './linear.js';
import { type NativeKernel, registerNative } from './native-kernel.js';
import { reductionKernels } from './reductions.js';
import { rmsNorm, rmsNormGrad } from './rms-norm.js';
import { rotary } from './rotary.js';
import { swiglu, swigluGrad } from './swiglu.js';
import { accumulate, adamW } from './updates.js';

/** Kernels of the addon; all others are tfjs's for the cpu, or compositions. */
const kernels: readonly NativeKernel<never>[] = [
  batchMatMul,
  linear,
  linearGradX,
  linearGradWeight,
  rmsNorm,
  rmsNormGrad,
  rotary,
  swiglu,
  swigluGrad,
  embedding,
  embeddingGrad,
  gather,
  adamW,
  accumulate,
  ...reductionKernels,
  ...elementwiseKernels,
  ...copyKernels,
  ...fillKernels,
];

let addonInUse: Addon | undefined;

/** Makes backend `native` known to tfjs; undefined when it can be used, else a sentence that says why not. */
export async function registerNativeBackend(threads: number): Promise<string | undefined> {
  const loaded = await loadAddon();
  if ('reason' in loaded) return loaded.reason;
  const { addon } = loaded;
  addon.setThreads(threads);
  if (addonInUse !== undefined) return undefined;
  addonInUse = addon;
  tf.registerBackend('native', () => new NativeBackend());
  tf.copyRegisteredKernels('cpu', 'native');
  for (const kernel of kernels) registerNative(addon, kernel);
  completeWithComposed('native');
  return undefined;
}
