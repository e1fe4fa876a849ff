import * as tf from '@tensorflow/tfjs-core';
import { NativeBackend } from './native/backend.js';

/** Bytes: what tensors took at most since `resetPeakMemory`, and with it what was kept for later ones. */
export interface PeakMemory {
  readonly allocated: number;
  readonly reserved: number;
}

/** Begins a new measurement of `peakMemory`. */
export function resetPeakMemory(): void {
  const backend: unknown = tf.backend();
  if (backend instanceof NativeBackend) backend.pool.resetPeaks();
}

/** Undefined on backends that do not count: all but native. */
export function peakMemory(): PeakMemory | undefined {
  const backend: unknown = tf.backend();
  if (!(backend instanceof NativeBackend)) return undefined;
  const { peakAllocated, peakReserved } = backend.pool.memory;
  return { allocated: peakAllocated, reserved: peakReserved };
}
