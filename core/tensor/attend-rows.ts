import { multiply } from './head-rows.js';

/**
 * Consecutive rows of one sequence through one key head, as matrices: R = G * rows queries (one query head's rows after the
 * other's), T = past + rows keys. Row t sees the keys up to past + t.
 */
export interface RowBlock {
  /** [R, D] */
  readonly queries: Float32Array;
  /** [D, T] */
  readonly keysTransposed: Float32Array;
  /** [T, D] */
  readonly values: Float32Array;
  readonly rows: number;
  readonly past: number;
  readonly headDim: number;
}

/** Rows a block has at most: bounds the memory of the scores, and most of what the causal mask hides is never computed. */
export const rowsPerBlock = 256;

/** Causal attention of the block, its softmax in float64: `out` [R, D] and the logarithm of each softmax's divisor, [R]. */
export function attendRows(block: RowBlock): { readonly out: Float32Array; readonly logSumExp: Float32Array } {
  const { queries, keysTransposed, values, headDim } = block;
  const keys = block.past + block.rows;
  const queryRows = queries.length / headDim;
  const scores = multiply(queries, keysTransposed, [queryRows, headDim, keys]); // [R, T]
  const logSumExp = softmaxCausally(scores, block);
  return { out: multiply(scores, values, [queryRows, keys, headDim]), logSumExp };
}

/** Turns scores ([R, T]) into weights in place: softmax(scores / sqrt(D)) over what each row may see, 0 elsewhere. */
function softmaxCausally(scores: Float32Array, { rows, past, headDim }: RowBlock): Float32Array {
  const scale = 1 / Math.sqrt(headDim);
  const keys = past + rows;
  const logSumExp = new Float32Array(scores.length / keys);
  for (let row = 0; row < logSumExp.length; row++) {
    const start = row * keys;
    const end = start + past + (row % rows) + 1;
    let max = Number.NEGATIVE_INFINITY;
    for (let i = start; i < end; i++) max = Math.max(max, scores[i] ?? 0);
    let total = 0;
    for (let i = start; i < end; i++) total += Math.exp(((scores[i] ?? 0) - max) * scale);
    for (let i = start; i < end; i++) scores[i] = Math.exp(((scores[i] ?? 0) - max) * scale) / total;
    scores.fill(0, end, start + keys);
    logSumExp[row] = max * scale + Math.log(total);
  }
  return logSumExp;
}

/** What the gradient of a block is computed from, besides its matrices. */
export interface RowBlockOutput {
  /** [R, D] each: what `attendRows` returned, and the gradient of it. */
  readonly out: Float32Array;
  readonly dOut: Float32Array;
  /** [D, R]: `queries` and `dOut` with their axes swapped. */
  readonly queriesTransposed: Float32Array;
  readonly dOutTransposed: Float32Array;
  /** [R] */
  readonly logSumExp: Float32Array;
  /** [D, T] */
  readonly valuesTransposed: Float32Array;
  /** [T, D] */
  readonly keys: Float32Array;
}

/** Gradients of a block: dq [R, D], and its share of dk and dv, both transposed, [D, T]. */
export function attendRowsGrad(
  block: RowBlock,
  given: RowBlockOutput,
): { readonly dq: Float32Array; readonly dkTransposed: Float32Array; readonly dvTransposed: Float32Array } {
  const { headDim } = block;
  const keys = block.past + block.rows;
  const queryRows = block.queries.length / headDim;
  const weights = multiply(block.queries, block.keysTransposed, [queryRows, headDim, keys]); // [R, T], still scores
  const dScores = multiply(given.dOut, given.valuesTransposed, [queryRows, headDim, keys]); // [R, T], still of the weights
  fillScoreGradients(weights, dScores, block, given);
  return {
    dq: multiply(dScores, given.keys, [queryRows, keys, headDim]),
    dkTransposed: multiply(given.queriesTransposed, dScores, [headDim, queryRows, keys]),
    dvTransposed: multiply(given.dOutTransposed, weights, [headDim, queryRows, keys]),
  };
}

/** In place: scores become weights, and gradients of weights gradients of q·k. */
function fillScoreGradients(
  weights: Float32Array,
  gradients: Float32Array,
  { rows, past, headDim }: RowBlock,
  { out, dOut, logSumExp }: RowBlockOutput,
): void {
  const scale = 1 / Math.sqrt(headDim);
  const keys = past + rows;
  for (let row = 0; row < logSumExp.length; row++) {
    const start = row * keys;
    const end = start + past + (row % rows) + 1;
    let projection = 0; // sum over keys of weight * gradient
    for (let i = row * headDim; i < (row + 1) * headDim; i++) projection += (out[i] ?? 0) * (dOut[i] ?? 0);
    for (let i = start; i < end; i++) {
      const weight = Math.exp((weights[i] ?? 0) * scale - (logSumExp[row] ?? 0));
      weights[i] = weight;
      gradients[i] = weight * ((gradients[i] ?? 0) - projection) * scale;
    }
    weights.fill(0, end, start + keys);
    gradients.fill(0, end, start + keys);
  }
}
