import { z } from 'zod';
import type { Metrics } from '../types.js';
import type { OpenTracker } from './tracker-context.js';

/** What a step's line tells, in this order, where the step has it. */
const importantKeys = [
  'critic/score/mean',
  'critic/rewards/mean',
  'response_length/mean',
  'num_turns/mean',
  'actor/pg_loss',
  'actor/kl_loss',
  'actor/ppo_kl',
  'actor/entropy',
  'actor/grad_norm',
  'critic/vf_loss',
  'rollout/failed',
  'timing_s/step',
] as const;

export const consoleSettings = z.strictObject({
  name: z.literal('console'),
  keys: z
    .array(z.string().min(1))
    .optional()
    .describe('metrics of the line, in this order; the important ones when left out'),
});
export type ConsoleSettings = z.output<typeof consoleSettings>;

/** Where lines go: process.stderr, or what keeps them out of a terminal's progress. */
export interface TextStream {
  write(text: string): unknown;
}

/** Writes one plain line a step, for logs: `step 3 critic/score/mean=0.5 …`; an evaluation's line has its val-core metrics. */
export class ConsoleTracker implements OpenTracker {
  readonly #stream: TextStream;
  readonly #keys: readonly string[];

  constructor(settings: ConsoleSettings, stream: TextStream) {
    this.#stream = stream;
    this.#keys = settings.keys ?? importantKeys;
  }

  async log(step: number, metrics: Metrics): Promise<void> {
    const evaluated = Object.keys(metrics).filter((key) => key.startsWith('val-core/') && !this.#keys.includes(key));
    const told = [...this.#keys, ...evaluated].flatMap((key) => {
      const value = metrics[key];
      return value === undefined ? [] : [` ${key}=${format(value)}`];
    });
    if (told.length > 0) this.#stream.write(`step ${step}${told.join('')}\n`);
  }

  async trajectories(): Promise<void> {}

  async [Symbol.asyncDispose](): Promise<void> {}
}

/** Whole numbers as they are, others with four significant digits. */
function format(value: number): string {
  return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(4)));
}
