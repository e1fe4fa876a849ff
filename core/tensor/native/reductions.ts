import * as tf from '@tensorflow/tfjs-core';
import { count, floats, input, type NativeCall, type NativeKernel, orInherited, size } from './native-kernel.js';

/** The sum over the rows: a bias gradient. */
const sumRows: NativeKernel<object> = {
  name: 'SumRows',
  run(call) {
    const [rows, columns] = [size(call, 'x', 0), size(call, 'x', 1)];
    const { info, values } = call.backend.allocate([columns]);
    call.addon.sumRows(floats(call, 'x'), values, rows, columns);
    return info;
  },
};

/** The sum of squares, added in float64. */
const squaredNorm: NativeKernel<object> = {
  name: 'SquaredNorm',
  run(call) {
    const { info, values } = call.backend.allocate([]);
    values[0] = call.addon.squaredNorm(floats(call, 'x'), count(call, 'x'));
    return info;
  },
};

const sum = orInherited<tf.SumAttrs>('Sum', (call, { axis, keepDims }) => sumOver(call, axis, keepDims, () => 1));

const mean = orInherited<tf.MeanAttrs>('Mean', (call, { axis, keepDims }) =>
  sumOver(call, axis, keepDims, (averaged) => 1 / averaged),
);

const max = orInherited<tf.MaxAttrs>('Max', (call, { reductionIndices, keepDims }) => {
  const parts = split(call, reductionIndices, keepDims);
  if (parts?.reduces !== 'last' || parts.columns === 0) return undefined;
  const { info, values } = call.backend.allocate(parts.shape);
  call.addon.maxAlongRows(floats(call, 'x'), values, parts.rows, parts.columns);
  return info;
});

const softmax = orInherited<tf.SoftmaxAttrs>('Softmax', (call, { dim }) => {
  const { shape, dtype } = input(call, 'logits');
  if (dtype !== 'float32' || dim !== shape.length - 1) return undefined;
  const columns = shape[dim] ?? 1;
  const { info, values } = call.backend.allocate(shape);
  const rows = columns === 0 ? 0 : count(call, 'logits') / columns;
  call.addon.softmax(floats(call, 'logits'), values, rows, columns);
  return info;
});

/** Along the last axes in float64, as tfjs sums; along the first ones in blocks of rows. NaN in Max is NaN, as in tfjs. */
export const reductionKernels: readonly NativeKernel<never>[] = [sumRows, squaredNorm, sum, mean, max, softmax];

function sumOver(
  call: NativeCall,
  axis: number | number[],
  keepDims: boolean,
  scaleOf: (reduced: number) => number,
): tf.TensorInfo | undefined {
  const parts = split(call, axis, keepDims);
  if (parts === undefined) return undefined;
  const { rows, columns, reduces, shape } = parts;
  const scale = scaleOf(reduces === 'last' ? columns : rows);
  if (reduces === 'first' && scale !== 1) return undefined;
  const { info, values } = call.backend.allocate(shape);
  if (reduces === 'last') call.addon.sumAlongRows(floats(call, 'x'), values, rows, columns, scale);
  else call.addon.sumRows(floats(call, 'x'), values, rows, columns);
  return info;
}

/** Input x as rows and columns, of which a reduction leaves one. */
interface Parts {
  readonly rows: number;
  readonly columns: number;
  readonly reduces: 'first' | 'last';
  readonly shape: number[];
}

/** Undefined unless x is float32 and the axes to reduce are its last or its first ones. */
function split(call: NativeCall, axis: number | number[], keepDims: boolean): Parts | undefined {
  const { shape, dtype } = input(call, 'x');
  if (dtype !== 'float32') return undefined;
  const axes = new Set(tf.util.parseAxisParam(axis, shape));
  const kept = shape.flatMap((length, i) => (!axes.has(i) ? [length] : keepDims ? [1] : []));
  const reduced = shape.map((_, i) => axes.has(i));
  const cut = axes.size;
  if (reduced.slice(shape.length - cut).every(Boolean)) {
    const [rows, columns] = sizes(shape, shape.length - cut);
    return { rows, columns, reduces: 'last', shape: kept };
  }
  if (!reduced.slice(0, cut).every(Boolean)) return undefined;
  const [rows, columns] = sizes(shape, cut);
  return { rows, columns, reduces: 'first', shape: kept };
}

function sizes(shape: readonly number[], cut: number): readonly [number, number] {
  return [tf.util.sizeFromShape(shape.slice(0, cut)), tf.util.sizeFromShape(shape.slice(cut))];
}
