import * as tf from '@tensorflow/tfjs-core';
import { readValues } from './read-values.js';

// Pieces of packed heads in JavaScript memory, for composed kernels: a tfjs slice on wasm copies the whole tensor it cuts from,
// and batches of small products are slow there, so pieces are cut here and each product is a plain one.

/** Consecutive rows of one or more neighbouring heads of [N, H, D]. */
export interface HeadRows {
  readonly firstRow: number;
  readonly rows: number;
  readonly heads: number;
  readonly headDim: number;
  readonly firstHead: number;
  /** Heads to take; their rows follow each other. */
  readonly count: number;
}

/** [count * rows, D]: the first head's rows, then the next one's. */
export function gather(x: Float32Array, piece: HeadRows): Float32Array {
  const { headDim } = piece;
  const out = new Float32Array(piece.count * piece.rows * headDim);
  eachRow(piece, (from, row) => {
    for (let i = 0; i < headDim; i++) out[row * headDim + i] = x[from + i] ?? 0;
  });
  return out;
}

/** [D, count * rows]: what `gather` makes, with its axes swapped. */
export function gatherTransposed(x: Float32Array, piece: HeadRows): Float32Array {
  const { headDim } = piece;
  const width = piece.count * piece.rows;
  const out = new Float32Array(width * headDim);
  eachRow(piece, (from, row) => {
    for (let i = 0; i < headDim; i++) out[i * width + row] = x[from + i] ?? 0;
  });
  return out;
}

/** Writes [count * rows, D] back to where `gather` took it from. */
export function scatter(matrix: Float32Array, x: Float32Array, piece: HeadRows): void {
  const { headDim } = piece;
  eachRow(piece, (to, row) => {
    for (let i = 0; i < headDim; i++) x[to + i] = matrix[row * headDim + i] ?? 0;
  });
}

/** Adds [D, count * rows] to where `gatherTransposed` took it from. */
export function addTransposed(matrix: Float32Array, x: Float32Array, piece: HeadRows): void {
  const { headDim } = piece;
  const width = piece.count * piece.rows;
  eachRow(piece, (to, row) => {
    for (let i = 0; i < headDim; i++) x[to + i] = (x[to + i] ?? 0) + (matrix[i * width + row] ?? 0);
  });
}

/** [rows, inner] times [inner, columns], on the current backend. */
export function multiply(
  left: Float32Array,
  right: Float32Array,
  [rows, inner, columns]: readonly [number, number, number],
): Float32Array {
  const product = tf.tidy(() => tf.matMul(tf.tensor2d(left, [rows, inner]), tf.tensor2d(right, [inner, columns])));
  const values = readValues(product);
  product.dispose();
  return values;
}

function eachRow(
  { firstRow, rows, heads, headDim, firstHead, count }: HeadRows,
  visit: (offset: number, row: number) => void,
): void {
  for (let head = 0; head < count; head++) {
    for (let row = 0; row < rows; row++) {
      visit(((firstRow + row) * heads + firstHead + head) * headDim, head * rows + row);
    }
  }
}
