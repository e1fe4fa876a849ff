import { z } from 'zod';
import { rolloutCorrectionConfig } from '../core/rollout-correction/config.js';
import { correctRollouts } from '../core/rollout-correction/correct-rollouts.js';
import { matrix, matrixOf, sampledOf } from './case-file.js';
import { differenceOf, metricDifferences } from './difference.js';
import { type EntryName, expectOptions, numberOption, parseEntryName, textOption } from './entry-name.js';
import type { Section } from './section.js';

const schema = z.strictObject({
  weights: matrix.nullable(),
  mask: matrix,
  metrics: z.record(z.string(), z.number()),
});

/** Of the policy at the start of the update against the one that sampled; weights are null where there are none. */
export const rolloutCorrection: Section = (name, given, inputs) => {
  const expected = schema.parse(given);
  const [old, rollout] = [matrixOf(inputs, 'old_log_prob'), matrixOf(inputs, 'rollout_log_prob')];
  const sequences = inputs.response_mask.map((mask, b) => ({
    mask,
    oldLogprobs: old[b] ?? [],
    rolloutLogprobs: rollout[b] ?? [],
  }));
  const actual = correctRollouts(sequences, settingsOf(parseEntryName(name)));
  const sampled = (values: readonly (readonly number[])[]) =>
    sampledOf(
      values.map((row) => [...row]),
      inputs,
    );
  return [
    ...(expected.weights === null ? [] : [differenceOf('weights', sampled(actual.weights), sampled(expected.weights))]),
    differenceOf('mask', sampled(actual.masks), sampled(expected.mask)),
    ...metricDifferences(actual.metrics, expected.metrics),
  ];
};

function settingsOf(entry: EntryName) {
  expectOptions(entry, ['rollout_is', 'threshold', 'rollout_rs', 'rs_threshold', 'batch_normalize']);
  const settings = rolloutCorrectionConfig.safeParse({
    rolloutIs: optional(entry, 'rollout_is'),
    rolloutIsThreshold: numberOption(entry, 'threshold'),
    rolloutIsBatchNormalize: ['true', 'True', 'yes'].includes(entry.options.get('batch_normalize') ?? 'no'),
    rolloutRs: optional(entry, 'rollout_rs')?.split(',') ?? [],
    rolloutRsThreshold: optional(entry, 'rs_threshold'),
  });
  if (!settings.success) throw new RangeError(z.prettifyError(settings.error));
  return settings.data;
}

function optional(entry: EntryName, option: string): string | null {
  const text = textOption(entry, option);
  return text === 'None' || text === 'null' ? null : text;
}
