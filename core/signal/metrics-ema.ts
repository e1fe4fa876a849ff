import { z } from 'zod';
import type { Metrics } from '../types.js';

export const metricsEmaConfig = z.strictObject({
  decay: z.number().min(0).lt(1).default(0.9).describe('weight of the past in a moving average; 0 repeats each value'),
  keys: z
    .array(z.string().min(1))
    .default(['critic/score/mean', 'response_length/mean', 'actor/entropy'])
    .describe('metrics whose moving averages are logged as ema/<key>'),
});
export type MetricsEmaConfig = z.output<typeof metricsEmaConfig>;

/** The averages so far by the metric's name; JSON. */
export const metricsEmaState = z.record(z.string(), z.number());
export type MetricsEmaState = z.output<typeof metricsEmaState>;

/** Exponential moving averages of some metrics over the steps, so that noisy curves can be read. */
export class MetricsEma {
  readonly #config: MetricsEmaConfig;
  #state: MetricsEmaState;

  constructor(config: MetricsEmaConfig, state: MetricsEmaState = {}) {
    this.#config = config;
    this.#state = state;
  }

  get state(): MetricsEmaState {
    return this.#state;
  }

  /** `ema/<key>` for each of the keys that this step has as a finite number; the others' averages wait. */
  observe(metrics: Metrics): Metrics {
    const now = this.#config.keys.flatMap((key) => {
      const value = metrics[key];
      if (value === undefined || !Number.isFinite(value)) return [];
      return [[key, movingAverage(this.#state[key], value, this.#config.decay)] as const];
    });
    this.#state = { ...this.#state, ...Object.fromEntries(now) };
    return Object.fromEntries(now.map(([key, value]) => [`ema/${key}`, value]));
  }
}

/** The average after one more value: decay of the past, the rest of the value. The first value is its own average. */
export function movingAverage(past: number | undefined, value: number, decay: number): number {
  return past === undefined ? value : decay * past + (1 - decay) * value;
}
