import * as tf from '@tensorflow/tfjs-core';
import { floats, input, type NativeKernel } from './native-kernel.js';

/** tfjs's product of two batches of matrices, each transposed or not; batches of one are broadcast. */
export const batchMatMul: NativeKernel<tf.BatchMatMulAttrs> = {
  name: 'BatchMatMul',
  run(call, { transposeA, transposeB }) {
    const [a, b] = [input(call, 'a').shape, input(call, 'b').shape];
    const [aRows, aColumns] = matrix(a);
    const [bRows, bColumns] = matrix(b);
    const [rows, inner] = transposeA ? [aColumns, aRows] : [aRows, aColumns];
    const [depth, columns] = transposeB ? [bColumns, bRows] : [bRows, bColumns];
    if (inner !== depth) {
      throw new RangeError(
        `a [${a.join(', ')}]${transposeA ? ' transposed' : ''} and b [${b.join(', ')}]${transposeB ? ' transposed' : ''} do not fit`,
      );
    }
    const batchShape = tf.broadcast_util.assertAndGetBroadcastShape(a.slice(0, -2), b.slice(0, -2));
    const { info, values } = call.backend.allocate([...batchShape, rows, columns]);
    const batches = { a: a.slice(0, -2), b: b.slice(0, -2), both: batchShape };
    const [left, right] = [floats(call, 'a'), floats(call, 'b')];
    const [aSize, bSize] = [aRows * aColumns, bRows * bColumns];
    for (const { first, count, aStart, bStart, aStep, bStep } of runs(batches)) {
      call.addon.gemm(
        left.subarray(aStart * aSize),
        right.subarray(bStart * bSize),
        values.subarray(first * rows * columns),
        count,
        rows,
        columns,
        inner,
        transposeA,
        transposeB,
        aStep * aSize,
        bStep * bSize,
        false,
      );
    }
    return info;
  },
};

interface Run {
  /** Matrices of the result that one call computes. */
  readonly first: number;
  readonly count: number;
  readonly aStart: number;
  readonly bStart: number;
  readonly aStep: 0 | 1;
  readonly bStep: 0 | 1;
}

/** One call where the batches are equal or one of them is a single matrix, else one a matrix. */
function* runs({ a, b, both }: { a: number[]; b: number[]; both: number[] }): Iterable<Run> {
  const [countA, countB, count] = [a, b, both].map((shape) => tf.util.sizeFromShape(shape)) as [number, number, number];
  const [aStep, bStep] = [countA === 1 ? 0 : 1, countB === 1 ? 0 : 1] as const;
  if ((aStep === 0 || countA === count) && (bStep === 0 || countB === count)) {
    yield { first: 0, count, aStart: 0, bStart: 0, aStep, bStep };
    return;
  }
  for (let i = 0; i < count; i++) {
    yield { first: i, count: 1, aStart: broadcastIndex(i, a, both), bStart: broadcastIndex(i, b, both), aStep, bStep };
  }
}

/** Which matrix of a batch of `shape` stands at entry i of a batch of `both`. */
function broadcastIndex(i: number, shape: number[], both: number[]): number {
  let [index, stride, rest] = [0, 1, i];
  for (let axis = 1; axis <= both.length; axis++) {
    const length = both[both.length - axis] ?? 1;
    const own = shape[shape.length - axis] ?? 1;
    if (own > 1) index += (rest % length) * stride;
    stride *= own;
    rest = Math.floor(rest / length);
  }
  return index;
}

function matrix(shape: readonly number[]): readonly [number, number] {
  return [shape[shape.length - 2] ?? 1, shape[shape.length - 1] ?? 1];
}
