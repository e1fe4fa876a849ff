import { z } from 'zod';
import { choosePolicyLoss } from '../core/algorithms.js';
import { isLossAggMode, type LossAggMode } from '../core/losses/aggregate.js';
import { type LossSequence, miniBatchLoss } from '../core/losses/mini-batch-loss.js';

/** Of a case's inputs, what losses read: [B][T] each, one row a sequence, one column a token. */
const rows = z.array(z.array(z.number()));

/** What of a reference file losses are computed from, [B, T] each. */
const lossInputs = z.object({
  response_mask: rows,
  log_prob: rows,
  old_log_prob: rows,
  advantages: rows,
  rollout_is_weights: rows,
});

export type LossInputs = z.output<typeof lossInputs>;

export interface LossResult {
  readonly loss: number;
  /** [B][T]: d loss / d log-prob, 0 where the mask is 0. */
  readonly grad: number[][];
  readonly metrics: { readonly [name: string]: number };
}

/**
 * What our policy losses make of a case, on the backend in use. Throws RangeError on an unknown name.
 * @param name of an entry of the expectations: `gspo config=dapo agg=token-mean is_weights=yes`
 */
export async function lossOf(name: string, given: unknown): Promise<LossResult> {
  const inputs = lossInputs.parse(given);
  const { settings, lossAggMode, isWeighted } = parseName(name);
  const { gradients, ...result } = await miniBatchLoss(choosePolicyLoss(settings), sequencesOf(inputs, isWeighted), {
    lossAggMode,
    lossScaleFactor: inputs.response_mask[0]?.length ?? 1,
    microBatchSize: Math.max(1, inputs.response_mask.length),
    seed: 0,
  });
  return { ...result, grad: inputs.response_mask.map((mask, b) => padded(gradients[b] ?? [], mask)) };
}

const clips = {
  default: { clipRatioLow: 0.2, clipRatioHigh: 0.2 },
  dapo: { clipRatioLow: 0.2, clipRatioHigh: 0.28 },
} as const;
type Config = keyof typeof clips;
const clipRatioC = { default: 3, dapo: 10 } as const;

const settingsOf: { readonly [loss: string]: (config: Config) => { readonly [setting: string]: number } } = {
  vanilla: (config) => ({ ...clips[config], clipRatioC: clipRatioC[config] }),
  gspo: (config) => clips[config],
  sapo: () => ({ tauPos: 1, tauNeg: 1.05 }),
  gpg: () => ({}),
  clip_cov: (config) => ({ ...clips[config], clipCovRatio: 1, clipCovLb: 1, clipCovUb: 5 }),
  kl_cov: () => ({ klCovRatio: 0.05, ppoKlCoef: 1 }),
  geo_mean: (config) => clips[config],
  cispo: (config) => clips[config],
};

function parseName(name: string): {
  readonly settings: { readonly name: string };
  readonly lossAggMode: LossAggMode;
  readonly isWeighted: boolean;
} {
  const [, loss = '', config = '', mode = '', weights] =
    /^(\w+) config=(default|dapo) agg=([\w-]+) is_weights=(yes|no)$/.exec(name) ?? [];
  const settings = settingsOf[loss];
  if (settings === undefined || !isConfig(config) || !isLossAggMode(mode))
    throw new RangeError(`no policy loss is called '${name}'; losses: ${Object.keys(settingsOf).join(', ')}`);
  return { settings: { name: loss, ...settings(config) }, lossAggMode: mode, isWeighted: weights === 'yes' };
}

function isConfig(name: string): name is Config {
  return name in clips;
}

function sequencesOf(inputs: LossInputs, isWeighted: boolean): LossSequence[] {
  return inputs.response_mask.map((mask, b) => {
    const sampled = (rows: LossInputs['log_prob']): number[] => (rows[b] ?? []).filter((_, t) => mask[t] === 1);
    const logProbs = sampled(inputs.log_prob);
    return {
      logProbs,
      oldLogProbs: sampled(inputs.old_log_prob),
      advantages: sampled(inputs.advantages),
      rolloutIsWeights: isWeighted ? sampled(inputs.rollout_is_weights) : logProbs.map(() => 1),
      refLogProbs: logProbs.map(() => Number.NaN),
      isOffPolicy: false,
      group: 0,
    };
  });
}

/** The values where the mask is 1, 0 elsewhere. */
function padded(values: readonly number[], mask: readonly number[]): number[] {
  let next = 0;
  return mask.map((bit) => (bit === 1 ? (values[next++] ?? Number.NaN) : 0));
}
