import * as tf from '@tensorflow/tfjs-core';
import { completeWithComposed } from '../fused-kernel.js';
import { type Addon, loadAddon } from './addon.js';
import { attention, attentionGrad } from './attention.js';
import { NativeBackend } from './backend.js';
import { batchMatMul } from './batch-mat-mul.js';
import { cachedAttention } from './cached-attention.js';
import { linear, linearGradWeight, linearGradX } from './linear.js';
import { type NativeKernel, registerNative } from './native-kernel.js';

/** Kernels of the addon; all others are tfjs's for the cpu, or compositions. */
const kernels: readonly NativeKernel<never>[] = [
  batchMatMul,
  linear,
  linearGradX,
  linearGradWeight,
  attention,
  attentionGrad,
  cachedAttention,
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
