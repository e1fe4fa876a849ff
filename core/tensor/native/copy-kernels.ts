import * as tf from '@tensorflow/tfjs-core';
import { floats, input, type NativeCall, type NativeKernel, orInherited } from './native-kernel.js';

const transpose = orInherited<tf.TransposeAttrs>('Transpose', (call, { perm }) => {
  const { shape, dtype } = input(call, 'x');
  if (dtype !== 'float32') return undefined;
  const strides = contiguousStrides(shape);
  const axes = perm.map((axis) => ({ size: shape[axis] ?? 1, stride: strides[axis] ?? 1 }));
  return strided(call, axes, 0);
});

/** A copy: what tfjs's own kernel returns lies in the memory of x, which an update in place would change. */
const slice = orInherited<tf.SliceAttrs>('Slice', (call, { begin, size }) => {
  const x = input(call, 'x');
  if (x.dtype !== 'float32') return undefined;
  const [starts = [], sizes = []] = tf.slice_util.parseSliceParams(x, begin, size);
  tf.slice_util.assertParamsValid(x, starts, sizes);
  const strides = contiguousStrides(x.shape);
  const offset = starts.reduce((sum, start, axis) => sum + start * (strides[axis] ?? 1), 0);
  return strided(
    call,
    sizes.map((length, axis) => ({ size: length, stride: strides[axis] ?? 1 })),
    offset,
  );
});

/** Along any axis: each input is rows of numbers that lie together. tfjs names the inputs by their numbers. */
const concat = orInherited<tf.ConcatAttrs>('Concat', (call, { axis }) => {
  const tensors = Object.values(call.inputs);
  const [first] = tensors;
  if (first === undefined || tensors.some(({ dtype }) => dtype !== 'float32')) return undefined;
  const [along = 0] = tf.util.parseAxisParam(axis, first.shape);
  const shapes = tensors.map(({ shape }) => shape);
  tf.backend_util.assertParamsConsistent(shapes, along);
  const { info, values } = call.backend.allocate(tf.backend_util.computeOutShape(shapes, along));
  const rows = tf.util.sizeFromShape(first.shape.slice(0, along));
  const toStride = tf.util.sizeFromShape(info.shape.slice(along));
  let offset = 0;
  for (const tensor of tensors) {
    const columns = tf.util.sizeFromShape(tensor.shape.slice(along));
    call.addon.copyRows(call.backend.floats(tensor), values, rows, columns, columns, toStride, offset);
    offset += columns;
  }
  return info;
});

export const copyKernels: readonly NativeKernel<never>[] = [transpose, slice, concat];

interface Axis {
  readonly size: number;
  readonly stride: number;
}

/** A new tensor of input x's numbers, read from `offset` on along the given axes. */
function strided(call: NativeCall, axes: readonly Axis[], offset: number): tf.TensorInfo {
  const { info, values } = call.backend.allocate(axes.map(({ size }) => size));
  if (values.length === 0) return info;
  const merged = mergeAxes(axes);
  const layout = Int32Array.from([...merged.map(({ size }) => size), ...merged.map(({ stride }) => stride)]);
  call.addon.copyStrided(floats(call, 'x'), values, layout, offset);
  return info;
}

/** Without axes of length 1, and with neighbours as one where the memory goes on from one to the next. */
function mergeAxes(axes: readonly Axis[]): readonly Axis[] {
  const merged: Axis[] = [];
  for (const axis of axes) {
    if (axis.size === 1) continue;
    const before = merged[merged.length - 1];
    if (before !== undefined && before.stride === axis.size * axis.stride) {
      merged[merged.length - 1] = { size: before.size * axis.size, stride: axis.stride };
    } else merged.push(axis);
  }
  return merged.length === 0 ? [{ size: 1, stride: 1 }] : merged;
}

function contiguousStrides(shape: readonly number[]): readonly number[] {
  return shape.map((_, axis) => tf.util.sizeFromShape(shape.slice(axis + 1)));
}
