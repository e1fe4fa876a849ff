import { ConfigError } from '../../errors.js';
import type { RotaryConfig, RotaryScaling } from '../rotary-frequencies.js';
import type { HfConfig, HfRope } from './hf-config.js';

/** What a rotary embedding is read with beside its own parameters. */
export interface RopeContext {
  readonly theta: number;
  readonly maxPositionEmbeddings: number;
  readonly source: string;
}

/** Parameters of the layers that see everything: `rope_parameters` of transformers 5, or else `rope_scaling` beside `rope_theta`. */
export function fullRope({ rope_parameters, rope_scaling, rope_theta }: HfConfig): HfRope {
  const theta = rope_theta === undefined ? {} : { rope_theta };
  return { ...theta, ...(rope_parameters?.full_attention ?? rope_parameters ?? rope_scaling) };
}

/** Those of layers with a window, where `rope_parameters` has them. */
export function slidingRope({ rope_parameters }: HfConfig): HfRope | undefined {
  return rope_parameters?.sliding_attention;
}

/** Throws ConfigError for a kind of scaling that is unknown or lacks a parameter. */
export function rotaryConfig(rope: HfRope, context: RopeContext): RotaryConfig {
  const theta = rope.rope_theta ?? context.theta;
  if (rope.partial_rotary_factor !== undefined && rope.partial_rotary_factor !== 1) {
    throw new ConfigError(
      `${context.source} rotates a part of each head only (partial_rotary_factor), which is not supported`,
    );
  }
  const scaling = rotaryScaling(rope, context);
  return scaling === undefined ? { theta } : { theta, scaling };
}

function rotaryScaling(rope: HfRope, { maxPositionEmbeddings, source }: RopeContext): RotaryScaling | undefined {
  const type = rope.rope_type ?? rope.type ?? 'default';
  const needed = <Name extends keyof HfRope & string>(name: Name): number => {
    const value = rope[name];
    if (typeof value === 'number') return value;
    throw new ConfigError(`config.json of ${source}: rotary scaling '${type}' needs ${name}`);
  };
  switch (type) {
    case 'default':
      return undefined;
    case 'linear':
      return { type, factor: needed('factor') };
    case 'llama3':
      return {
        type,
        factor: needed('factor'),
        lowFreqFactor: needed('low_freq_factor'),
        highFreqFactor: needed('high_freq_factor'),
        originalMaxPositionEmbeddings: needed('original_max_position_embeddings'),
      };
    case 'yarn': {
      const original = rope.original_max_position_embeddings ?? maxPositionEmbeddings;
      const factor = rope.factor ?? maxPositionEmbeddings / original;
      return {
        type,
        factor,
        betaFast: rope.beta_fast ?? 32,
        betaSlow: rope.beta_slow ?? 1,
        originalMaxPositionEmbeddings: original,
        attentionFactor: rope.attention_factor ?? yarnAttention(factor, rope),
        truncate: rope.truncate ?? true,
      };
    }
    case 'factors':
      return { type, factors: rope.factors ?? [] };
    default:
      throw new ConfigError(
        `config.json of ${source}: rotary scaling '${type}' is not supported; default, linear, llama3 and yarn are`,
      );
  }
}

/** YaRN (arXiv:2309.00071), eq. 22, and its form with two scales. */
function yarnAttention(factor: number, { mscale, mscale_all_dim }: HfRope): number {
  const of = (scale: number): number => (factor <= 1 ? 1 : 0.1 * scale * Math.log(factor) + 1);
  return mscale && mscale_all_dim ? of(mscale) / of(mscale_all_dim) : of(1);
}
