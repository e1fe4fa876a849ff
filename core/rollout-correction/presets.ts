import type { z } from 'zod';
import type { rolloutCorrectionSettings } from './settings.js';

type Given = z.input<typeof rolloutCorrectionSettings>;

const tokenIs = { rolloutIs: 'token' } satisfies Given;
const sequenceIs = { rolloutIs: 'sequence' } satisfies Given;
const geometric = { rolloutRs: ['seq_mean_k1'], rolloutRsThreshold: '0.999_1.001' } satisfies Given;
const k3 = { rolloutRs: ['seq_mean_k3'], rolloutRsThreshold: 0.01 } satisfies Given;
const clip = { bypassMode: true, lossType: 'ppo_clip' } satisfies Given;
const gradient = { bypassMode: true, lossType: 'reinforce' } satisfies Given;

/** verl's named choices; what a row does not say has its default. */
export const rolloutCorrectionPresets = {
  disabled: {},
  decoupled_token_is: tokenIs,
  decoupled_seq_is: sequenceIs,
  decoupled_seq_is_rs: { ...sequenceIs, rolloutRs: ['seq_sum_k1'], rolloutRsThreshold: '0.5_2.0' },
  decoupled_geo_rs: geometric,
  decoupled_geo_rs_seq_tis: { ...geometric, ...sequenceIs },
  decoupled_geo_rs_token_tis: { ...geometric, ...tokenIs },
  decoupled_k3_rs: k3,
  decoupled_k3_rs_seq_tis: { ...k3, ...sequenceIs },
  decoupled_k3_rs_token_tis: { ...k3, ...tokenIs },
  bypass_ppo_clip: clip,
  bypass_ppo_clip_geo_rs: { ...clip, ...geometric },
  bypass_ppo_clip_k3_rs: { ...clip, ...k3 },
  bypass_pg_is: { ...gradient, ...sequenceIs },
  bypass_pg_geo_rs: { ...gradient, ...geometric },
  bypass_pg_geo_rs_seq_tis: { ...gradient, ...geometric, ...sequenceIs },
  bypass_pg_geo_rs_token_tis: { ...gradient, ...geometric, ...tokenIs },
} satisfies { readonly [name: string]: Readonly<Given> };

export type RolloutCorrectionPreset = keyof typeof rolloutCorrectionPresets;
