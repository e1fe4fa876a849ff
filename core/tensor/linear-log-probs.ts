import * as tf from '@tensorflow/tfjs-core';
import { capLogits } from './cap-logits.js';
import { checkShapes } from './check-shapes.js';
import { fusedGradient } from './fused-gradient.js';
import { fusedKernel } from './fused-kernel.js';

/** What the head says of each row: the log-prob of its target and the entropy of its distribution, in nats. */
export interface HeadOutput {
  /** [N] float32, <= 0 */
  readonly logProbs: tf.Tensor1D;
  /** [N] float32, >= 0 */
  readonly entropy: tf.Tensor1D;
}

/** How logits become a distribution. */
export interface HeadRules {
  /** Above 0; logits are divided by it. */
  readonly temperature: number;
  /** Logits x become softcap · tanh(x / softcap) before they are divided; 0, the default, leaves them. */
  readonly softcap?: number;
  /** The weight gets no gradient, which then cannot be asked for, and computing it is left out. */
  readonly isWeightFrozen?: boolean;
}

type Inputs = { x: tf.Tensor2D; weight: tf.Tensor2D; targets: tf.Tensor1D };
type GradInputs = Inputs & {
  dLogProbs: tf.Tensor1D;
  dEntropy: tf.Tensor1D;
  entropy: tf.Tensor1D;
  logSumExp: tf.Tensor1D;
};
type Attributes = Rules & {
  /** Logits that the composed kernels hold at once (default 2^24); rows beyond them are computed in further pieces. */
  maxLogits?: number;
};

type Rules = Required<HeadRules>;

/** Log-probs, entropy and log-sum-exp, [N] each. */
const kernel = fusedKernel(
  'LinearLogProbs',
  ({ x, weight, targets }: Inputs, { maxLogits, ...rules }: Attributes): [tf.Tensor1D, tf.Tensor1D, tf.Tensor1D] => {
    const weightT = tf.transpose(weight); // [C, V]
    const pieces = [...rowPieces(x.shape[0], weight.shape[0], maxLogits)].map((piece) =>
      tf.tidy(() => head(scaledLogits(logitsOf(rows(x, piece), weightT, rules), rules), rows(targets, piece))),
    );
    return [join(pieces.map(([p]) => p)), join(pieces.map(([, h]) => h)), join(pieces.map(([, , l]) => l))];
  },
);

/** dx, and dWeight unless that is frozen. Makes the probabilities again instead of having kept them. */
const gradKernel = fusedKernel(
  'LinearLogProbsGrad',
  (inputs: GradInputs, { maxLogits, ...rules }: Attributes): tf.Tensor2D[] => {
    const { x, weight } = inputs;
    const weightT = tf.transpose(weight); // [C, V]
    const dxs: tf.Tensor2D[] = [];
    let dWeight = rules.isWeightFrozen ? undefined : tf.zeros<tf.Rank.R2>(weight.shape); // [V, C]
    for (const piece of rowPieces(x.shape[0], weight.shape[0], maxLogits)) {
      const xPiece = rows(x, piece); // [n, C]
      const dLogits = gradOfLogits(logitsOf(xPiece, weightT, rules), inputs, piece, rules); // [n, V]
      dxs.push(tf.matMul(dLogits, weight));
      if (dWeight !== undefined) dWeight = addedGradient(dWeight, dLogits, xPiece);
      dLogits.dispose();
    }
    const dx: tf.Tensor2D = dxs.length === 0 ? tf.zeros(x.shape) : tf.concat2d(dxs, 0);
    return dWeight === undefined ? [dx] : [dx, dWeight];
  },
);

fusedGradient(
  kernel,
  { inputs: ['x', 'weight', 'targets'], outputs: [true, true, true] },
  ({ dys: [dLogProbs, dEntropy], inputs, outputs: [, entropy, logSumExp], attributes }) => {
    const [dx, dWeight] = gradKernel.run({ dLogProbs, dEntropy, entropy, logSumExp, ...inputs }, attributes);
    return { ...(dx && { x: () => dx }), ...(dWeight && { weight: () => dWeight }) };
  },
);

/**
 * The language-model head fused with log_softmax(x Wᵀ / temperature): one target's log-prob and the entropy a row.
 * Gradients: d logProb / d logits = (onehot - p) / temperature, d H / d logits = -p (log p + H) / temperature, both times
 * 1 - (capped / softcap)² where logits are capped.
 * @param x [N, C] float32
 * @param weight [V, C] float32
 * @param targets [N] int32, each in [0, V)
 */
export function linearLogProbs(
  x: tf.Tensor2D,
  weight: tf.Tensor2D,
  targets: tf.Tensor1D,
  { temperature, softcap = 0, isWeightFrozen = false }: HeadRules,
): HeadOutput {
  checkShapes(
    'linearLogProbs',
    { x, weight, targets },
    {
      'x is [N, C]': x.rank === 2,
      'weight is [V, C] with the C of x': weight.rank === 2 && weight.shape[1] === x.shape[1],
      'targets is [N] int32': targets.rank === 1 && targets.shape[0] === x.shape[0] && targets.dtype === 'int32',
    },
  );
  const [logProbs, entropy, logSumExp] = kernel.run({ x, weight, targets }, { temperature, softcap, isWeightFrozen });
  logSumExp.dispose();
  return { logProbs, entropy };
}

interface Piece {
  readonly start: number;
  readonly size: number;
}

/** The rows in pieces, each as large as maxLogits allows and of at least one row. */
function* rowPieces(count: number, vocabSize: number, maxLogits = 2 ** 24): Iterable<Piece> {
  const size = Math.max(1, Math.floor(maxLogits / vocabSize));
  for (let start = 0; start < count; start += size) yield { start, size: Math.min(size, count - start) };
}

/** A piece of the rows of x, or x itself where that is all: a tfjs slice on wasm copies the whole tensor it cuts from. */
function rows<R extends tf.Rank.R1 | tf.Rank.R2>(x: tf.Tensor<R>, { start, size }: Piece): tf.Tensor<R> {
  return size === x.shape[0] ? x : tf.slice(x, start, size);
}

function join(pieces: tf.Tensor1D[]): tf.Tensor1D {
  return pieces.length === 0 ? tf.tensor1d([], 'float32') : tf.concat1d(pieces);
}

/** [n, V], capped and not yet divided by the temperature. */
function logitsOf(x: tf.Tensor2D, weightT: tf.Tensor2D, { softcap }: Rules): tf.Tensor2D {
  return tf.tidy(() => capLogits(tf.matMul(x, weightT), softcap));
}

/** [n, V]. */
function scaledLogits(logits: tf.Tensor2D, { temperature }: Rules): tf.Tensor2D {
  return tf.div(logits, temperature);
}

/** Log-probs of the targets, entropies and log-sum-exps, [n] each, of logits [n, V]. */
function head(logits: tf.Tensor2D, targets: tf.Tensor1D): [tf.Tensor1D, tf.Tensor1D, tf.Tensor1D] {
  const [count, vocabSize] = logits.shape;
  const max = tf.max(logits, 1, true); // [n, 1]
  const shifted = tf.sub(logits, max); // [n, V]
  const exponentials = tf.exp(shifted); // [n, V]
  const total = tf.sum(exponentials, 1, true); // [n, 1]
  const logTotal = tf.log(total); // [n, 1]
  const logProbs = tf.sub(shifted, logTotal); // [n, V]
  const places: tf.Tensor1D = tf.add(targets, tf.mul(tf.range(0, count, 1, 'int32'), tf.scalar(vocabSize, 'int32'))); // [n]
  const plogp = tf.mul(tf.div(exponentials, total), logProbs); // [n, V]
  return [
    tf.gather(tf.reshape(logProbs, [count * vocabSize]), places),
    tf.neg(tf.sum<tf.Tensor1D>(plogp, 1)),
    tf.reshape(tf.add(max, logTotal), [count]),
  ];
}

/** dWeight + dLogitsᵀ x, in place of dWeight. */
function addedGradient(dWeight: tf.Tensor2D, dLogits: tf.Tensor2D, x: tf.Tensor2D): tf.Tensor2D {
  const sum: tf.Tensor2D = tf.tidy(() => tf.add(dWeight, tf.matMul(tf.transpose(dLogits), x)));
  dWeight.dispose();
  return sum;
}

/** [n, V], of the piece's rows. Disposes the logits. */
function gradOfLogits(logits: tf.Tensor2D, inputs: GradInputs, piece: Piece, rules: Rules): tf.Tensor2D {
  const { temperature, softcap } = rules;
  const column = (x: tf.Tensor1D): tf.Tensor => tf.expandDims(rows(x, piece), 1); // [n, 1]
  const dLogits = tf.tidy(() => {
    const logProbs = tf.sub(scaledLogits(logits, rules), column(inputs.logSumExp)); // [n, V]
    const probabilities = tf.exp(logProbs); // [n, V]
    const towardsTarget = tf.mul(
      tf.sub(oneHot(rows(inputs.targets, piece), logits.shape[1]), probabilities),
      tf.div(column(inputs.dLogProbs), temperature),
    ); // [n, V]
    const towardsSpread = tf.mul(
      tf.mul(probabilities, tf.add(logProbs, column(inputs.entropy))),
      tf.div(column(inputs.dEntropy), temperature),
    ); // [n, V]
    const dCapped = tf.sub<tf.Tensor2D>(towardsTarget, towardsSpread); // [n, V]
    return softcap === 0 ? dCapped : tf.mul<tf.Tensor2D>(dCapped, tf.sub(1, tf.square(tf.div(logits, softcap))));
  });
  logits.dispose();
  return dLogits;
}

/** [n, V] float32. Cast afterwards: tfjs-wasm fills a float32 oneHot with integer bit patterns. */
function oneHot(targets: tf.Tensor1D, depth: number): tf.Tensor {
  return tf.cast(tf.oneHot(targets, depth), 'float32');
}
