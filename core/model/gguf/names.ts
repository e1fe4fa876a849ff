import { ConfigError } from '../../errors.js';

/** Architectures whose GGUF files can be read and written, as general.architecture spells them. */
export const ggufArchitectures = ['llama', 'qwen2', 'qwen3', 'gemma2', 'gemma3'] as const;

/** One of the architectures that can be read and written. */
export type GgufArchitecture = (typeof ggufArchitectures)[number];

type NamePair = readonly [gguf: string, huggingFace: string];

const WHOLE_MODEL: readonly NamePair[] = [
  ['token_embd', 'model.embed_tokens'],
  ['output_norm', 'model.norm'],
  ['output', 'lm_head'],
];
/** After `blk.N.` and `model.layers.N.`. */
const EVERY_LAYER: readonly NamePair[] = [
  ['attn_norm', 'input_layernorm'],
  ['attn_q', 'self_attn.q_proj'],
  ['attn_k', 'self_attn.k_proj'],
  ['attn_v', 'self_attn.v_proj'],
  ['attn_output', 'self_attn.o_proj'],
  ['ffn_gate', 'mlp.gate_proj'],
  ['ffn_up', 'mlp.up_proj'],
  ['ffn_down', 'mlp.down_proj'],
];
const QUERY_KEY_NORMS: readonly NamePair[] = [
  ['attn_q_norm', 'self_attn.q_norm'],
  ['attn_k_norm', 'self_attn.k_norm'],
];
const NORM_BEFORE_MLP: readonly NamePair[] = [['ffn_norm', 'post_attention_layernorm']];
const NORMS_AROUND_MLP: readonly NamePair[] = [
  ['post_attention_norm', 'post_attention_layernorm'],
  ['ffn_norm', 'pre_feedforward_layernorm'],
  ['post_ffw_norm', 'post_feedforward_layernorm'],
];

const LAYER_NAMES: { readonly [architecture in GgufArchitecture]: readonly NamePair[] } = {
  llama: [...EVERY_LAYER, ...NORM_BEFORE_MLP],
  qwen2: [...EVERY_LAYER, ...NORM_BEFORE_MLP],
  qwen3: [...EVERY_LAYER, ...NORM_BEFORE_MLP, ...QUERY_KEY_NORMS],
  gemma2: [...EVERY_LAYER, ...NORMS_AROUND_MLP],
  gemma3: [...EVERY_LAYER, ...NORMS_AROUND_MLP, ...QUERY_KEY_NORMS],
};

/** Hugging Face's name of a GGUF tensor (`blk.0.attn_q.weight`); undefined when the architecture has no such tensor. */
export function huggingFaceName(architecture: GgufArchitecture, ggufName: string): string | undefined {
  const layer = /^blk\.(0|[1-9]\d{0,5})\.(\w+)\.(weight|bias)$/.exec(ggufName);
  if (layer !== null) {
    const found = LAYER_NAMES[architecture].find(([gguf]) => gguf === layer[2]);
    return found && `model.layers.${layer[1]}.${found[1]}.${layer[3]}`;
  }
  const whole = WHOLE_MODEL.find(([gguf]) => ggufName === `${gguf}.weight`);
  return whole && `${whole[1]}.weight`;
}

/** GGUF's name of a Hugging Face tensor; undefined when the architecture has no such tensor. */
export function ggufName(architecture: GgufArchitecture, huggingFaceName: string): string | undefined {
  const layer = /^model\.layers\.(0|[1-9]\d{0,5})\.([\w.]+)\.(weight|bias)$/.exec(huggingFaceName);
  if (layer !== null) {
    const found = LAYER_NAMES[architecture].find(([, huggingFace]) => huggingFace === layer[2]);
    return found && `blk.${layer[1]}.${found[0]}.${layer[3]}`;
  }
  const whole = WHOLE_MODEL.find(([, huggingFace]) => huggingFaceName === `${huggingFace}.weight`);
  return whole && `${whole[0]}.weight`;
}

/** The value as an architecture; throws ConfigError, naming `source` and the known ones, when it is none. */
export function ggufArchitecture(value: unknown, source: string): GgufArchitecture {
  const known = ggufArchitectures.find((architecture) => architecture === value);
  if (known !== undefined) return known;
  throw new ConfigError(
    `${source} has the architecture ${JSON.stringify(value)}, which cannot be used; take one of ${ggufArchitectures.join(', ')}`,
  );
}
