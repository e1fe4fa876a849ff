import { z } from 'zod';
import { ConfigError } from '../../errors.js';
import type { DecoderConfig } from '../decoder-config.js';
import { projections } from '../weight-shapes.js';

/** Low-rank adapters (Hu et al., arXiv:2106.09685) beside frozen weights, by PEFT's names; JSON only. */
export const loraConfig = z.strictObject({
  loraRank: z
    .int()
    .min(0)
    .max(4096)
    .default(0)
    .describe('rank of low-rank adapters, which are trained instead of the weights; 0 trains the weights'),
  loraAlpha: z.number().positive().default(16).describe('adapters count loraAlpha / loraRank times'),
  useRslora: z
    .boolean()
    .default(false)
    .describe('adapters count loraAlpha / sqrt(loraRank) times instead (rank-stabilised LoRA)'),
  targetModules: z
    .union([z.literal('all-linear'), z.array(z.string()).min(1)])
    .default('all-linear')
    .describe('projections with an adapter, such as q_proj; all-linear is all of a layer'),
});

export type LoraConfig = z.output<typeof loraConfig>;

/** What an adapter's product is multiplied by; rank-stabilised: Kalajdzievski, arXiv:2312.03732, eq. 6. */
export function loraScale({ loraRank, loraAlpha, useRslora }: LoraConfig): number {
  return loraAlpha / (useRslora ? Math.sqrt(loraRank) : loraRank);
}

/** The projections of each layer that get an adapter; throws ConfigError for a target that is none of them. */
export function loraTargets(config: DecoderConfig, { targetModules }: LoraConfig): readonly string[] {
  const names = [...projections(config).keys()];
  if (targetModules === 'all-linear') return names;
  const known = names.map((name) => name.slice(name.lastIndexOf('.') + 1));
  const unknown = targetModules.find((target) => !known.includes(target) && !names.includes(target));
  if (unknown !== undefined) {
    throw new ConfigError(`targetModules names ${unknown}, which no layer has; there are ${known.join(', ')}`);
  }
  return names.filter((name, i) => targetModules.includes(name) || targetModules.includes(known[i] ?? ''));
}
