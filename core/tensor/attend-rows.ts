import type { AttentionRules } from './attention-rules.js';
import { multiply } from './head-rows.js';

/**
 * Consecutive rows of one sequence through one key head, as matrices: R = G * rows queries (one query head's rows after the
 * other's), T = past + rows keys. Row t sees the keys up to past + t, as far back as the rules say.
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

/** The first position that `position` sees. */
export function firstSeen(position: number, window: number): number {
  return window === 0 ? 0 : Math.max(0, position - window + 1);
}

/** Causal attention of the block, its softmax in float64: `out` [R, D] and the logarithm of each softmax's divisor, [R]. */
export function attendRows(
  block: RowBlock,
  rules: Required<AttentionRules>,
): { readonly out: Float32Array; readonly logSumExp: Float32Array } {
  const { queries, keysTransposed, values, headDim } = block;
  const keys = block.past + block.rows;
  const queryRows = queries.length / headDim;
  const scores = multiply(queries, keysTransposed, [queryRows, headDim, keys]); // [R, T]
  const logSumExp = softmaxCausally(scores, block, rules);
  return { out: multiply(scores, values, [queryRows, keys, headDim]), logSumExp };
}

/** Turns q · k ([R, T]) into weights in place: the softmax of the scores that each row may see, 0 elsewhere. */
function softmaxCausally(
  scores: Float32Array,
  { rows, past }: RowBlock,
  rules: Required<AttentionRules>,
): Float32Array {
  const scale = rules.softcap > 0 ? 1 : rules.scale;
  const keys = past + rows;
  const logSumExp = new Float32Array(scores.length / keys);
  for (let row = 0; row < logSumExp.length; row++) {
    const position = past + (row % rows);
    const start = row * keys + firstSeen(position, rules.window);
    const end = row * keys + position + 1;
    if (rules.softcap > 0) capScores(scores.subarray(start, end), rules);
    let max = Number.NEGATIVE_INFINITY;
    for (let i = start; i < end; i++) max = Math.max(max, scores[i] ?? 0);
    let total = 0;
    for (let i = start; i < end; i++) total += Math.exp(((scores[i] ?? 0) - max) * scale);
    for (let i = start; i < end; i++) scores[i] = Math.exp(((scores[i] ?? 0) - max) * scale) / total;
    scores.fill(0, row * keys, start);
    scores.fill(0, end, (row + 1) * keys);
    logSumExp[row] = max * scale + Math.log(total);
  }
  return logSumExp;
}

/** Turns q · k into capped scores, in place. */
export function capScores(scores: Float32Array | Float64Array, { scale, softcap }: Required<AttentionRules>): void {
  for (let i = 0; i < scores.length; i++) scores[i] = softcap * Math.tanh(((scores[i] ?? 0) * scale) / softcap);
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
  rules: Required<AttentionRules>,
  given: RowBlockOutput,
): { readonly dq: Float32Array; readonly dkTransposed: Float32Array; readonly dvTransposed: Float32Array } {
  const { headDim } = block;
  const keys = block.past + block.rows;
  const queryRows = block.queries.length / headDim;
  const weights = multiply(block.queries, block.keysTransposed, [queryRows, headDim, keys]); // [R, T], still scores
  const dScores = multiply(given.dOut, given.valuesTransposed, [queryRows, headDim, keys]); // [R, T], still of the weights
  fillScoreGradients({ weights, gradients: dScores }, block, { ...given, ...rules });
  return {
    dq: multiply(dScores, given.keys, [queryRows, keys, headDim]),
    dkTransposed: multiply(given.queriesTransposed, dScores, [headDim, queryRows, keys]),
    dvTransposed: multiply(given.dOutTransposed, weights, [headDim, queryRows, keys]),
  };
}

/** In place: scores become weights, and gradients of weights gradients of q·k. */
function fillScoreGradients(
  { weights, gradients }: { readonly weights: Float32Array; readonly gradients: Float32Array },
  { rows, past, headDim }: RowBlock,
  { out, dOut, logSumExp, ...rules }: RowBlockOutput & Required<AttentionRules>,
): void {
  const { scale, softcap } = rules;
  const keys = past + rows;
  for (let row = 0; row < logSumExp.length; row++) {
    const position = past + (row % rows);
    const start = row * keys + firstSeen(position, rules.window);
    const end = row * keys + position + 1;
    let projection = 0; // sum over keys of weight * gradient
    for (let i = row * headDim; i < (row + 1) * headDim; i++) projection += (out[i] ?? 0) * (dOut[i] ?? 0);
    for (let i = start; i < end; i++) {
      const product = (weights[i] ?? 0) * scale;
      const tanh = softcap > 0 ? Math.tanh(product / softcap) : 0;
      const weight = Math.exp((softcap > 0 ? softcap * tanh : product) - (logSumExp[row] ?? 0));
      weights[i] = weight;
      gradients[i] = weight * ((gradients[i] ?? 0) - projection) * scale * (1 - tanh * tanh);
    }
    for (const scores of [weights, gradients]) {
      scores.fill(0, row * keys, start);
      scores.fill(0, end, (row + 1) * keys);
    }
  }
}
