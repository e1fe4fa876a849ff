import type { RewardModelConfig } from './config.js';
import { HttpRewardModel, type HttpRewardModelOptions } from './http.js';
import type { RewardModel } from './reward-model.js';
import { type ValueHeadOptions, valueHeadRewardModel } from './value-head.js';

export type OpenRewardModelOptions = Omit<ValueHeadOptions, 'weight'> & HttpRewardModelOptions;

/** The reward model that the config names, if it names one; throws ConfigError where it cannot be asked. */
export function openRewardModel(
  config: RewardModelConfig,
  options: OpenRewardModelOptions,
): (RewardModel & AsyncDisposable) | undefined {
  switch (config.name) {
    case 'none':
      return undefined;
    case 'value_head':
      return { ...valueHeadRewardModel({ ...options, ...config }), async [Symbol.asyncDispose]() {} };
    case 'http':
      return new HttpRewardModel(config, options);
    default:
      return config satisfies never;
  }
}
