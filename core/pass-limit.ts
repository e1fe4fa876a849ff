import type { PassLimit } from './types.js';

/** The limit alone, of options that hold more. */
export function passLimit({ ppoMaxTokenLenPerGpu, memoryBudgetGb = null }: PassLimit): PassLimit {
  return { ppoMaxTokenLenPerGpu, memoryBudgetGb };
}
