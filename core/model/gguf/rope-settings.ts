import { z } from 'zod';
import { ConfigError } from '../../errors.js';

const scaling = z.looseObject({
  rope_type: z.string().optional(),
  type: z.string().optional(),
  rope_theta: z.number().positive().optional(),
  factor: z.number().positive().optional(),
  low_freq_factor: z.number().positive().optional(),
  high_freq_factor: z.number().positive().optional(),
  original_max_position_embeddings: z.int().positive().optional(),
  factors: z.array(z.number().positive()).optional(),
});

type Scaling = z.output<typeof scaling>;

const ropeKeys = z.looseObject({
  rope_theta: z.number().positive().optional(),
  rope_local_base_freq: z.number().positive().optional(),
  rope_scaling: scaling.nullish(),
  rope_parameters: z
    .union([z.strictObject({ full_attention: scaling, sliding_attention: scaling.optional() }), scaling])
    .nullish(),
});

/** How a config turns positions into angles, whichever of Hugging Face's two spellings it uses. */
export interface RopeSettings {
  readonly theta: number | undefined;
  /** In layers with a window, where those have their own. */
  readonly localTheta: number | undefined;
  readonly type: string;
  readonly scaling: Scaling;
}

/** Reads rope_parameters, or rope_theta, rope_scaling and rope_local_base_freq. Throws ConfigError, naming `source`. */
export function ropeSettings(config: { readonly [key: string]: unknown }, source: string): RopeSettings {
  const parsed = ropeKeys.safeParse(config);
  if (!parsed.success)
    throw new ConfigError(`the config of ${source} has unusable rotary settings: ${z.prettifyError(parsed.error)}`);
  const { rope_parameters: parameters, rope_scaling, rope_theta, rope_local_base_freq } = parsed.data;
  const full = parameters != null && isPerLayerType(parameters) ? parameters.full_attention : parameters;
  const sliding = parameters != null && isPerLayerType(parameters) ? parameters.sliding_attention : undefined;
  const chosen = full ?? rope_scaling ?? {};
  return {
    theta: full?.rope_theta ?? rope_theta,
    localTheta: sliding?.rope_theta ?? rope_local_base_freq,
    type: chosen.rope_type ?? chosen.type ?? 'default',
    scaling: chosen,
  };
}

type PerLayerType = { readonly full_attention: Scaling; readonly sliding_attention?: Scaling | undefined };

function isPerLayerType(parameters: Scaling | PerLayerType): parameters is PerLayerType {
  return 'full_attention' in parameters;
}
