import { z } from 'zod';

export const entropyCtrlConfig = z
  .strictObject({
    enable: z.boolean().default(false).describe('hold the entropy at targetEntropy by moving its coefficient'),
    targetEntropy: z.number().min(0).default(0.2).describe('nats a token'),
    delta: z.number().positive().default(1e-4).describe('how much the coefficient moves a step'),
    minCoef: z.number().min(0).default(0).describe('smallest coefficient'),
    maxCoef: z.number().min(0).default(0.005).describe('largest coefficient'),
    initialCoef: z.number().min(0).default(0).describe('coefficient of the first step'),
  })
  .superRefine(({ minCoef, maxCoef, initialCoef }, context) => {
    if (minCoef > maxCoef)
      context.addIssue({ code: 'custom', path: ['maxCoef'], message: `raise it to minCoef, ${minCoef}, or more` });
    else if (initialCoef < minCoef || initialCoef > maxCoef)
      context.addIssue({ code: 'custom', path: ['initialCoef'], message: `choose from ${minCoef} to ${maxCoef}` });
  });
export type EntropyCtrlConfig = z.output<typeof entropyCtrlConfig>;

/** Adaptive entropy control of Skywork-OR1 (arXiv:2505.22312, section 4): up by delta where entropy is below target, else down. */
export function nextEntropyCoef(
  { enable, targetEntropy, delta, minCoef, maxCoef }: EntropyCtrlConfig,
  coef: number,
  entropy: number,
): number {
  if (!enable) return coef;
  return Math.min(Math.max(coef + (entropy < targetEntropy ? delta : -delta), minCoef), maxCoef);
}

/** What to multiply the entropy by in this step's loss: the coefficient where entropy is below target, else 0. */
export function activeEntropyCoef({ enable, targetEntropy }: EntropyCtrlConfig, coef: number, entropy: number): number {
  return enable && entropy < targetEntropy ? coef : 0;
}
