/** Transformers refuses whole numbers, written without a fraction, for these. */
const realKeys = [
  'attention_dropout',
  'attention_factor',
  'attn_logit_softcapping',
  'final_logit_softcapping',
  'initializer_range',
  'partial_rotary_factor',
  'rms_norm_eps',
  'rope_theta',
  'router_aux_loss_coef',
] as const;

const wholeReal = new RegExp(`^(\\s*"(?:${realKeys.join('|')})": -?\\d+)(,?)$`, 'gm');

/** The text of config.json, with reals as Python writes them: 30.0 for 30. */
export function configText(config: { readonly [key: string]: unknown }): string {
  return `${JSON.stringify(config, null, 2).replace(wholeReal, '$1.0$2')}\n`; // no line within a string can look like a key
}
