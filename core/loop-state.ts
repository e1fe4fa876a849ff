import { z } from 'zod';
import type { AlgorithmConfig } from './algorithm-config.js';
import { signalExplainerState } from './signal/signal-explainer.js';

/** What the loop carries from step to step besides weights; JSON, a part of every checkpoint. */
export const loopStateSchema = z.strictObject({
  /** Weight of the KL penalty in the reward. */
  klCoef: z.number(),
  /** Weight of the adaptive entropy bonus, and the entropy it was last told; null before the first update. */
  entropyCoef: z.number(),
  entropy: z.number().nullable(),
  signal: signalExplainerState,
});

export type LoopState = z.output<typeof loopStateSchema>;

export function initialLoopState({ klCtrl, adaptiveEntropy }: AlgorithmConfig): LoopState {
  return {
    klCoef: klCtrl.klCoef,
    entropyCoef: adaptiveEntropy.initialCoef,
    entropy: null,
    signal: { flatSteps: 0, told: null },
  };
}
