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

/** Whether `peakMemory` knows what tensors take on this backend. */
export function countsMemory(): boolean {
  return peakMemory() !== undefined;
}

/** Bytes that tensors take now, on any backend. */
export function memoryInUse(): number {
  const backend: unknown = tf.backend();
  return backend instanceof NativeBackend ? backend.pool.memory.allocated : tf.memory().numBytes;
}

/** What tensors take at most while it lives; what is measured by `resetPeakMemory` around it is left as it would be without. */
export class PeakMeter implements Disposable {
  /** Bytes at the beginning. */
  readonly before = memoryInUse();
  readonly #earlier = peakMemory();

  constructor() {
    resetPeakMemory();
  }

  /** Bytes; undefined on backends that do not count. */
  get peak(): number | undefined {
    return peakMemory()?.allocated;
  }

  [Symbol.dispose](): void {
    const backend: unknown = tf.backend();
    if (backend instanceof NativeBackend && this.#earlier !== undefined) backend.pool.raisePeaks(this.#earlier);
  }
}
