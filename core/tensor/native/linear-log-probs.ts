import { floats, ints, type NativeCall, type NativeKernel, size } from './native-kernel.js';

/** log softmax(x Wᵀ / temperature): the targets' log-probs, the entropies and the log-sum-exps, [N] each; all NaN where a logit is not finite. */
export const linearLogProbs: NativeKernel<{ readonly temperature: number }> = {
  name: 'LinearLogProbs',
  run(call, { temperature }) {
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
      ints(call, 'targets'),
      temperature,
      logProbs.values,
      entropy.values,
      logSumExp.values,
    );
    return outputs.map(({ info }) => info);
  },
};

/** From the gradients of log-probs and entropies those of x and of the weight; makes the logits again, a block at a time. */
export const linearLogProbsGrad: NativeKernel<{ readonly temperature: number }> = {
  name: 'LinearLogProbsGrad',
  run(call, { temperature }) {
    const { rows, width, vocabulary } = headSizes(call, 'x');
    const dx = call.backend.allocate([rows, width]);
    const dWeight = call.backend.allocate([vocabulary, width]);
    call.addon.linearLogProbsGrad(
      floats(call, 'x'),
      floats(call, 'weight'),
      rows,
      width,
      vocabulary,
      floats(call, 'dLogProbs'),
      floats(call, 'dEntropy'),
      ints(call, 'targets'),
      floats(call, 'entropy'),
      floats(call, 'logSumExp'),
      temperature,
      dx.values,
      dWeight.values,
    );
    return [dx.info, dWeight.info];
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
