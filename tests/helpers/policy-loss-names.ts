import { policyLossSettings } from '../../core/algorithms.js';

/** Of every row in the table of policy losses; a new one is tested with the others. */
export const policyLossNames: readonly string[] = policyLossSettings.options.map(({ shape }) => shape.name.value);
