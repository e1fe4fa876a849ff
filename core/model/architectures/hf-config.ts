import { z } from 'zod';
import { ConfigError } from '../../errors.js';

const size = z.int().min(1).exactOptional();
const positive = z.number().positive().exactOptional();
const boolean = z.boolean().exactOptional();
const string = z.string().exactOptional();

/** Parameters of a rotary embedding; checkpoints of transformers 4 call the kind `type`. */
const ropeSchema = z.looseObject({
  rope_type: string,
  type: string,
  rope_theta: positive,
  factor: positive,
  low_freq_factor: positive,
  high_freq_factor: positive,
  original_max_position_embeddings: size,
  attention_factor: positive,
  beta_fast: positive,
  beta_slow: positive,
  mscale: z.number().exactOptional(),
  mscale_all_dim: z.number().exactOptional(),
  truncate: boolean,
  partial_rotary_factor: positive,
  factors: z.array(z.number().positive()).exactOptional(),
});

/** Fields of a config.json that decide what a decoder computes, those of every family together. */
const hfConfigSchema = z.looseObject({
  model_type: z.string(),
  vocab_size: z.int().min(1),
  hidden_size: z.int().min(1),
  intermediate_size: z.int().min(1),
  num_hidden_layers: z.int().min(1).max(1024),
  num_attention_heads: z.int().min(1),
  num_key_value_heads: size,
  head_dim: size,
  max_position_embeddings: size,
  rms_norm_eps: positive,
  initializer_range: positive,
  tie_word_embeddings: boolean,
  hidden_act: string,
  hidden_activation: string,
  attention_bias: boolean,
  mlp_bias: boolean,
  rope_theta: positive,
  rope_local_base_freq: positive,
  rope_scaling: ropeSchema.exactOptional(),
  /** Of the whole model, or by the type of layer. */
  rope_parameters: ropeSchema
    .extend({ full_attention: ropeSchema.exactOptional(), sliding_attention: ropeSchema.exactOptional() })
    .exactOptional(),
  layer_types: z.array(z.string()).exactOptional(),
  sliding_window: size,
  use_sliding_window: boolean,
  max_window_layers: z.int().min(0).exactOptional(),
  sliding_window_pattern: size,
  query_pre_attn_scalar: positive,
  attn_logit_softcapping: z.number().min(0).exactOptional(),
  final_logit_softcapping: z.number().min(0).exactOptional(),
  use_bidirectional_attention: z.union([z.boolean(), z.string()]).exactOptional(),
});

export type HfConfig = z.output<typeof hfConfigSchema>;
export type HfRope = z.output<typeof ropeSchema>;

/**
 * The fields, checked, over the defaults; one that is null is missing, but a soft cap that is null is 0. Throws ConfigError naming the first
 * that is wrong.
 */
export function parseHfConfig(
  config: object,
  { defaults, source }: { readonly defaults: object; readonly source: string },
): HfConfig {
  const parsed = hfConfigSchema.safeParse({ ...defaults, ...withoutNulls({ ...config, ...absentCaps(config) }) });
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new ConfigError(`config.json of ${source}: ${issue?.path.join('.')}: ${issue?.message}`);
}

function absentCaps(config: object): object {
  const caps = Object.entries(config).filter(([name, value]) => name.endsWith('_logit_softcapping') && value === null);
  return Object.fromEntries(caps.map(([name]) => [name, 0]));
}

/** Objects within it included, lists left as they are. */
function withoutNulls(value: object): object {
  const entries = Object.entries(value).filter(([, entry]) => entry !== null && entry !== undefined);
  return Object.fromEntries(
    entries.map(([name, entry]) => [
      name,
      typeof entry === 'object' && !Array.isArray(entry) ? withoutNulls(entry) : entry,
    ]),
  );
}
