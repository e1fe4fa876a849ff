import type { SequenceRules } from '../attention.js';
import { completeRules } from '../attention-rules.js';
import { floats, type NativeCall, type NativeKernel, size } from './native-kernel.js';

/** Sizes of one call: N, H, Hkv and D. */
export interface AttentionSizes {
  readonly rows: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
}

/** Of inputs q [N, H, D] and k [N, Hkv, D]. */
export function attentionSizes(call: NativeCall): AttentionSizes {
  return {
    rows: size(call, 'q', 0),
    heads: size(call, 'q', 1),
    kvHeads: size(call, 'k', 1),
    headDim: size(call, 'q', 2),
  };
}

/** q [N, H, D], k and v [N, Hkv, D] -> out [N, H, D], logSumExp [N, H] */
export const attention: NativeKernel<SequenceRules> = {
  name: 'Attention',
  run(call, { offsets, ...rules }) {
    const { rows, heads, kvHeads, headDim } = attentionSizes(call);
    const { scale, softcap, window } = completeRules(rules, headDim);
    const [q, k, v] = [floats(call, 'q'), floats(call, 'k'), floats(call, 'v')];
    const out = call.backend.allocate([rows, heads, headDim]);
    const logSumExp = call.backend.allocate([rows, heads]);
    const sequences = offsets.length - 1;
    call.addon.attention(
      q,
      k,
      v,
      out.values,
      logSumExp.values,
      offsets,
      rows,
      sequences,
      heads,
      kvHeads,
      headDim,
      scale,
      softcap,
      window,
    );
    return [out.info, logSumExp.info];
  },
};

/** dOut, q, k, v, out and logSumExp -> dq [N, H, D], dk and dv [N, Hkv, D] */
export const attentionGrad: NativeKernel<SequenceRules> = {
  name: 'AttentionGrad',
  run(call, { offsets, ...rules }) {
    const { rows, heads, kvHeads, headDim } = attentionSizes(call);
    const { scale, softcap, window } = completeRules(rules, headDim);
    const [dOut, q, k, v] = [floats(call, 'dOut'), floats(call, 'q'), floats(call, 'k'), floats(call, 'v')];
    const [out, logSumExp] = [floats(call, 'out'), floats(call, 'logSumExp')];
    const dq = call.backend.allocate([rows, heads, headDim]);
    const dk = call.backend.allocate([rows, kvHeads, headDim]);
    const dv = call.backend.allocate([rows, kvHeads, headDim]);
    call.addon.attentionGrad(
      dOut,
      q,
      k,
      v,
      out,
      logSumExp,
      dq.values,
      dk.values,
      dv.values,
      offsets,
      rows,
      offsets.length - 1,
      heads,
      kvHeads,
      headDim,
      scale,
      softcap,
      window,
    );
    return [dq.info, dk.info, dv.info];
  },
};
