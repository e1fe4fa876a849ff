import type { HeadRules } from '../linear-log-probs.js';
import { floats, ints, type NativeCall, type NativeKernel, size } from './native-kernel.js';

/**
 * log softmax(x Wᵀ / temperature), of capped logits where there is a softcap: the targets' log-probs, the entropies and the log-sum-exps,
 * [N] each; all NaN where a logit is not finite.
 */
export const linearLogProbs: NativeKernel<Required<HeadRules>> = {
  name: 'LinearLogProbs',
  run(call, { temperature, softcap }) {
    const { rows, width, vocabulary } = headSizes(call, 'x');
    const outputs = [
      call.backend.allocate([rows]),
      call.backend.allocate([rows]),
      call.backend.allocate([rows]),
    ] as const;
    const [logProbs, entropy, logSumExp] = outputs;
    call.addon.linearLogProbs(
      floats(call, 'x'),
      floats(call, 'weight'),
      rows,
      width,
      vocabulary,
      softcap,
      ints(call, 'targets'),
      temperature,
      logProbs.values,
      entropy.values,
      logSumExp.values,
    );
    return outputs.map(({ info }) => info);
  },
};

/** From the gradients of log-probs and entropies those of x and, unless it is frozen, of the weight; makes the logits again, a block at a time. */
export const linearLogProbsGrad: NativeKernel<Required<HeadRules>> = {
  name: 'LinearLogProbsGrad',
  run(call, { temperature, softcap, isWeightFrozen }) {
    const { rows, width, vocabulary } = headSizes(call, 'x');
    const dx = call.backend.allocate([rows, width]);
    const dWeight = isWeightFrozen ? undefined : call.backend.allocate([vocabulary, width]);
    call.addon.linearLogProbsGrad(
      floats(call, 'x'),
      floats(call, 'weight'),
      rows,
      width,
      vocabulary,
      softcap,
      floats(call, 'dLogProbs'),
      floats(call, 'dEntropy'),
      ints(call, 'targets'),
      floats(call, 'entropy'),
      floats(call, 'logSumExp'),
      temperature,
      dx.values,
      dWeight?.values,
    );
    return dWeight === undefined ? [dx.info] : [dx.info, dWeight.info];
  },
};

/** Sizes of rows [rows, width] that meet the weight [vocabulary, width] of the head. */
export function headSizes(
  call: NativeCall,
  rowsName: string,
): { readonly rows: number; readonly width: number; readonly vocabulary: number } {
  const [rows, width] = [size(call, rowsName, 0), size(call, rowsName, 1)];
  const [vocabulary, own] = [size(call, 'weight', 0), size(call, 'weight', 1)];
  if (own !== width) {
    throw new RangeError(
      `${rowsName} [${rows}, ${width}] and weight [${vocabulary}, ${own}] must have as many columns`,
    );
  }
  return { rows, width, vocabulary };
}
