import type * as tf from '@tensorflow/tfjs-core';
import { floats, input, type NativeCall, type NativeKernel, orInherited } from './native-kernel.js';

const fill = orInherited<tf.FillAttrs>('Fill', (call, { shape, value, dtype }) => {
  if (typeof value !== 'number' || (dtype ?? 'float32') !== 'float32') return undefined;
  return filled(call, shape, value);
});

const zerosLike = orInherited<object>('ZerosLike', (call) => filledLike(call, 0));
const onesLike = orInherited<object>('OnesLike', (call) => filledLike(call, 1));

/** tfjs's own kernel keeps the integers, or the bytes of booleans, under the new type. */
const cast = orInherited<tf.CastAttrs>('Cast', (call, { dtype: wanted }) => {
  const x = input(call, 'x');
  if (wanted === 'float32' && (x.dtype === 'int32' || x.dtype === 'bool')) {
    const { info, values } = call.backend.allocate(x.shape);
    values.set(floats(call, 'x'));
    return info;
  }
  if (wanted !== 'int32' || x.dtype !== 'bool') return undefined;
  return call.backend.makeTensorInfo(x.shape, 'int32', Int32Array.from(call.backend.ints(x)));
});

export const fillKernels: readonly NativeKernel<never>[] = [fill, zerosLike, onesLike, cast];

function filledLike(call: NativeCall, value: number): tf.TensorInfo | undefined {
  const { shape, dtype } = input(call, 'x');
  return dtype === 'float32' ? filled(call, shape, value) : undefined;
}

function filled(call: NativeCall, shape: readonly number[], value: number): tf.TensorInfo {
  const { info, values } = call.backend.allocate(shape);
  values.fill(value);
  return info;
}
