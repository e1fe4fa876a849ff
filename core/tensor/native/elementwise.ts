import * as tf from '@tensorflow/tfjs-core';
import { broadcastStrides } from './broadcast-strides.js';
import { count, floats, input, type NativeCall, type NativeKernel, orInherited } from './native-kernel.js';

/** Kernels of one tensor, in the addon's numbering. */
const unaryOps = ['Neg', 'Exp', 'Square', 'Sqrt', 'Rsqrt', 'Sigmoid', 'ClipByValue', 'Tanh'] as const;
/** Kernels of two tensors, likewise. */
const binaryOps = ['Add', 'Sub', 'Multiply', 'RealDiv', 'Maximum', 'Minimum'] as const;

const unary = unaryOps.map((name, op) =>
  orInherited<Partial<tf.ClipByValueAttrs>>(name, (call, { clipValueMin = 0, clipValueMax = 0 }) => {
    const { shape, dtype } = input(call, 'x');
    if (dtype !== 'float32') return undefined;
    const { info, values } = call.backend.allocate(shape);
    call.addon.unary(op, floats(call, 'x'), values, count(call, 'x'), clipValueMin, clipValueMax);
    return info;
  }),
);

const binary = binaryOps.map((name, op) =>
  orInherited<object>(name, (call) => {
    const [a, b] = [input(call, 'a'), input(call, 'b')];
    if (a.dtype !== 'float32' || b.dtype !== 'float32') return undefined;
    const shape = tf.broadcast_util.assertAndGetBroadcastShape(a.shape, b.shape);
    const strides = broadcastStrides(a.shape, b.shape, shape);
    if (strides === undefined) return undefined;
    const { info, values } = call.backend.allocate(shape);
    const { rows, columns, aRow, aColumn, bRow, bColumn } = strides;
    const [left, right] = [floats(call, 'a'), floats(call, 'b')];
    call.addon.binary(op, left, right, values, rows, columns, aRow, aColumn, bRow, bColumn);
    return info;
  }),
);

/** x + branch */
const residual: NativeKernel<object> = {
  name: 'Residual',
  run(call) {
    const { info, values } = call.backend.allocate(input(call, 'x').shape);
    const size = values.length;
    call.addon.binary(0, floats(call, 'x'), floats(call, 'branch'), values, 1, size, size, 1, size, 1);
    return info;
  },
};

/** tfjs names the inputs of addN by their numbers. */
const addN = orInherited<object>('AddN', (call) => {
  const tensors = Object.values(call.inputs);
  const [first, second, ...others] = tensors;
  if (first === undefined || second === undefined || !areAlike(tensors)) return undefined;
  const { info, values } = call.backend.allocate(first.shape);
  const size = values.length;
  call.addon.binary(0, call.backend.floats(first), call.backend.floats(second), values, 1, size, size, 1, size, 1);
  for (const other of others) call.addon.accumulate(values, call.backend.floats(other), size);
  return info;
});

/** where(condition, t, e), all of one shape. */
const select = orInherited<object>('Select', (call) => {
  const [condition, t, e] = [input(call, 'condition'), input(call, 't'), input(call, 'e')];
  const bytes = boolBytes(call, 'condition');
  if (bytes === undefined || !areAlike([t, e]) || !tf.util.arraysEqual(condition.shape, t.shape)) return undefined;
  const { info, values } = call.backend.allocate(t.shape);
  call.addon.select(bytes, floats(call, 't'), floats(call, 'e'), values, values.length);
  return info;
});

/** Functions of single numbers with tfjs's results: the larger or smaller of a number and NaN is NaN. Exp is 0 where it is below 2^-126. */
export const elementwiseKernels: readonly NativeKernel<never>[] = [...unary, ...binary, residual, addN, select];

function areAlike([first, ...others]: readonly tf.TensorInfo[]): boolean {
  if (first?.dtype !== 'float32') return false;
  return others.every(({ shape, dtype }) => dtype === 'float32' && tf.util.arraysEqual(shape, first.shape));
}

function boolBytes(call: NativeCall, name: string): Uint8Array | undefined {
  const values: unknown = call.backend.data.get(input(call, name).dataId)?.values;
  return values instanceof Uint8Array ? values : undefined;
}
