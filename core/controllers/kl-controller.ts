import { z } from 'zod';

export const klCtrlConfig = z.strictObject({
  type: z.enum(['fixed', 'adaptive']).default('fixed').describe('adaptive moves klCoef towards targetKl'),
  klCoef: z.number().min(0).default(0.001).describe('weight of the KL penalty; where adaptive, the first one'),
  horizon: z
    .number()
    .positive()
    .default(10_000)
    .describe('adaptive: trajectories after which klCoef may have changed e^0.2-fold'),
  targetKl: z.number().positive().default(0.1).describe('adaptive: the KL to keep'),
});
export type KlCtrlConfig = z.output<typeof klCtrlConfig>;

/**
 * The coefficient after a step. Adaptive (arXiv:1909.08593, section 2.2): β ← β (1 + clip(KL / target − 1, ±0.2) n / horizon).
 * @param measured `kl` is the step's mean KL, `n` its number of trajectories
 */
export function nextKlCoef(
  { type, horizon, targetKl }: KlCtrlConfig,
  coef: number,
  { kl, n }: { readonly kl: number; readonly n: number },
): number {
  if (type === 'fixed') return coef;
  const error = Math.min(Math.max(kl / targetKl - 1, -0.2), 0.2);
  return coef * (1 + (error * n) / horizon);
}
