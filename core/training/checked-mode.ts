import { ConfigError } from '../errors.js';
import { isLossAggMode, type LossAggMode } from '../losses/aggregate.js';

/** The name as a mode; what came from another process may be no mode. */
export function checkedMode(mode: string): LossAggMode {
  if (!isLossAggMode(mode)) throw new ConfigError(`unknown lossAggMode '${mode}'`);
  return mode;
}
