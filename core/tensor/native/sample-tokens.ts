import type { RowSampling } from '../sample-tokens.js';
import { headSizes } from './linear-log-probs.js';
import { floats, type NativeKernel } from './native-kernel.js';

/**
 * A token a row, its log-prob (the bits of LinearLogProbs) and its log-prob among the tokens that were not cut off (the same bits where none
 * was). Token 0 and NaN where a logit is not finite.
 */
export const sampleTokens: NativeKernel<RowSampling & { readonly softcap: number }> = {
  name: 'SampleTokens',
  run(call, { softcap, temperature, topK, topP, minP, seeds, counters }) {
    const { rows, width, vocabulary } = headSizes(call, 'hidden');
    const tokens = new Int32Array(rows);
    const [logProbs, samplingLogProbs] = [call.backend.allocate([rows]), call.backend.allocate([rows])];
    call.addon.sampleTokens(
      floats(call, 'hidden'),
      floats(call, 'weight'),
      rows,
      width,
      vocabulary,
      softcap,
      temperature,
      topK,
      topP,
      minP,
      seeds,
      counters,
      tokens,
      logProbs.values,
      samplingLogProbs.values,
    );
    return [call.backend.makeTensorInfo([rows], 'int32', tokens), logProbs.info, samplingLogProbs.info];
  },
};
