import { z } from 'zod';
import { unknownName } from '../spelling.js';
import { consoleSettings } from './console.js';
import { mlflowSettings } from './mlflow.js';
import { swanlabSettings } from './swanlab.js';
import { tensorboardSettings } from './tensorboard.js';
import { wandbSettings } from './wandb.js';

const trackerSettings = z.discriminatedUnion('name', [
  consoleSettings,
  tensorboardSettings,
  mlflowSettings,
  wandbSettings,
  swanlabSettings,
]);

const names: readonly string[] = trackerSettings.options.map(({ shape }) => shape.name.value);

/** verl's trainer.logger: names, or names with settings. The run's own records are written whatever stands here. */
export const trackersConfig = z
  .array(z.preprocess(withName, trackerSettings))
  .superRefine((trackers, context) => {
    for (const [index, { name }] of trackers.entries()) {
      if (trackers.findIndex((other) => other.name === name) === index) continue;
      context.addIssue({ code: 'custom', path: [index], message: `"${name}" is named twice, leave one out` });
    }
  })
  .describe('where metrics go besides the run directory: names, or mappings of a name and its settings');

export type TrackersConfig = z.output<typeof trackersConfig>;
export type TrackerSettings = TrackersConfig[number];

/** `tensorboard` is short for `{ name: tensorboard }`. */
function withName(given: unknown, context: z.RefinementCtx): unknown {
  if (typeof given !== 'string') return given;
  if (names.includes(given)) return { name: given };
  context.addIssue({ code: 'custom', message: unknownName('tracker', given, names) });
  return z.NEVER;
}
