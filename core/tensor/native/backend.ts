import { MathBackendCPU } from '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { ArrayPool } from './array-pool.js';

/**
 * The storage of backend `native`: arrays in this process's memory, as on tfjs's cpu backend, whose kernels therefore run on it. Arrays
 * that our kernels allocate come from a pool and are not zeroed.
 */
export class NativeBackend extends MathBackendCPU {
  readonly pool: ArrayPool;
  #allocatedByKernel: tf.TensorInfo[] = [];

  constructor(pool = new ArrayPool()) {
    super();
    this.pool = pool;
  }

  /** A new float32 tensor of arbitrary contents, and the array to fill. */
  allocate(shape: readonly number[]): { readonly info: tf.TensorInfo; readonly values: Float32Array } {
    const values = this.pool.take(tf.util.sizeFromShape([...shape]));
    const info = this.makeTensorInfo([...shape], 'float32', values);
    this.#allocatedByKernel.push(info);
    return { info, values };
  }

  /** What `kernel` returns. What it allocates is disposed if it throws: no tensor has been made of it yet. */
  freeingOnError<Result>(kernel: () => Result): Result {
    this.#allocatedByKernel = [];
    try {
      return kernel();
    } catch (error) {
      for (const { dataId } of this.#allocatedByKernel) this.disposeData(dataId);
      throw error;
    }
  }

  /** The storage itself of a float32 tensor. tfjs keeps other arrays under that type after a cast: those are converted to a copy. */
  floats({ dataId }: tf.TensorInfo): Float32Array {
    const values: unknown = this.data.get(dataId)?.values;
    if (values instanceof Float32Array) return values;
    if (isNumbers(values)) return Float32Array.from(values);
    throw new TypeError('expected the values of a float32 tensor');
  }

  /** The storage of an int32 tensor, or a converted copy. */
  ints({ dataId }: tf.TensorInfo): Int32Array {
    const values: unknown = this.data.get(dataId)?.values;
    if (values instanceof Int32Array) return values;
    if (isNumbers(values)) return Int32Array.from(values);
    throw new TypeError('expected the values of an int32 tensor');
  }

  /** True when the storage of a float32 tensor is more than its own: a clone's, a slice's, an array of whoever made the tensor. */
  isShared({ dataId }: tf.TensorInfo): boolean {
    return this.refCount(dataId) > 1 || !this.pool.isSole(this.data.get(dataId)?.values);
  }

  /** Like tfjs's, but of a copy where the memory will be used again: a result outlives its tensor. */
  override readSync(dataId: tf.DataId): tf.backend_util.BackendValues {
    const values = super.readSync(dataId);
    return values instanceof Float32Array && this.pool.isOwn(values) ? values.slice() : values;
  }

  override write(values: tf.backend_util.BackendValues, shape: number[], dtype: tf.DataType): tf.DataId {
    this.pool.retain(values);
    return super.write(values, shape, dtype);
  }

  override move(
    dataId: tf.DataId,
    values: tf.backend_util.BackendValues,
    shape: number[],
    dtype: tf.DataType,
    refCount: number,
  ): void {
    this.pool.retain(values);
    super.move(dataId, values, shape, dtype, refCount);
  }

  override disposeData(dataId: tf.DataId, force = false): boolean {
    const values: unknown = this.data.has(dataId) ? this.data.get(dataId)?.values : undefined;
    const isGone = super.disposeData(dataId, force);
    if (isGone) this.pool.release(values);
    return isGone;
  }
}

/** tfjs stores the values of an empty tensor as a plain array at times. */
function isNumbers(values: unknown): values is ArrayLike<number> {
  return (
    values instanceof Float32Array ||
    values instanceof Int32Array ||
    values instanceof Uint8Array ||
    (Array.isArray(values) && values.length === 0)
  );
}
