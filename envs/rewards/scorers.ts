import { z } from 'zod';
import { ConfigError } from '../../core/errors.js';
import { exact } from './exact.js';
import { gsm8k, gsm8kOptions } from './gsm8k.js';
import type { Scorer } from './scorer.js';

/** Which scorer judges all rows, with its settings. */
export const scorerConfig = z.discriminatedUnion('name', [
  z.strictObject({ name: z.literal('exact') }),
  gsm8kOptions.safeExtend({ name: z.literal('gsm8k') }),
]);

export type ScorerConfig = z.output<typeof scorerConfig>;

/** By verl's data_source: how a row is judged where no scorer is configured. */
const bySource = new Map<string, Scorer>([
  ['openai/gsm8k', gsm8k(gsm8kOptions.parse({}))],
  ['exact', exact],
]);

/** The configured scorer, else that of the data source; throws ConfigError where there is none. */
export function scorerOf(dataSource: string, config: ScorerConfig | null): Scorer {
  const scorer = config === null ? bySource.get(dataSource) : configured(config);
  if (scorer !== undefined) return scorer;
  const known = [...bySource.keys()].join(', ');
  throw new ConfigError(
    `no reward is known for data_source "${dataSource}", only for ${known}; ` +
      'write env.scorer: {name: exact} or {name: gsm8k} to judge all rows by that',
  );
}

function configured(config: ScorerConfig): Scorer {
  switch (config.name) {
    case 'exact':
      return exact;
    case 'gsm8k':
      return gsm8k(config);
    default: {
      const none: never = config;
      return none;
    }
  }
}
