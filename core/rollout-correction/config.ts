import { z } from 'zod';
import { type RolloutCorrectionPreset, rolloutCorrectionPresets } from './presets.js';
import { type RolloutCorrectionSettings, rejectionRules, rolloutCorrectionSettings } from './settings.js';

const presetNames = Object.keys(rolloutCorrectionPresets).filter(isPreset);

/** Settings one by one, or all at once by the name of a preset. */
export const rolloutCorrectionConfig = rolloutCorrectionSettings
  .extend({
    preset: z
      .enum(presetNames)
      .nullable()
      .default(null)
      .describe('all other keys at once, by the name verl gives them'),
  })
  .superRefine(({ preset, ...settings }, context) => {
    const problem = preset === null ? findProblem(settings) : findOverruled(preset, settings);
    if (problem !== undefined) context.addIssue({ code: 'custom', path: [problem.key], message: problem.message });
  });
export type RolloutCorrectionConfig = z.output<typeof rolloutCorrectionConfig>;

/** The settings that a config means. */
export function resolveRolloutCorrection({ preset, ...settings }: RolloutCorrectionConfig): RolloutCorrectionSettings {
  return preset === null ? settings : rolloutCorrectionSettings.parse(rolloutCorrectionPresets[preset]);
}

interface Problem {
  readonly key: string;
  readonly message: string;
}

/** A preset settles everything: a key beside it would be ignored. */
function findOverruled(preset: RolloutCorrectionPreset, settings: RolloutCorrectionSettings): Problem | undefined {
  const defaults = JSON.stringify(rolloutCorrectionSettings.parse({}));
  if (JSON.stringify(settings) === defaults) return undefined;
  const meant = JSON.stringify(rolloutCorrectionPresets[preset]);
  return {
    key: 'preset',
    message: `${preset} settles all other keys; leave them out, or replace it by ${meant} and change that`,
  };
}

function findProblem(settings: RolloutCorrectionSettings): Problem | undefined {
  const { rolloutIs, rolloutIsBatchNormalize, bypassMode, lossType } = settings;
  if (lossType === 'reinforce' && !bypassMode)
    return { key: 'lossType', message: 'reinforce is for bypassMode: true; without it leave ppo_clip' };
  if (rolloutIs !== null && bypassMode && lossType === 'ppo_clip')
    return {
      key: 'rolloutIs',
      message: 'the ratio of ppo_clip in bypassMode is the weight already; write null or lossType: reinforce',
    };
  if (rolloutIsBatchNormalize && rolloutIs === null)
    return { key: 'rolloutIsBatchNormalize', message: 'there are no weights; set rolloutIs to token or sequence' };
  return findThresholdProblem(settings);
}

function findThresholdProblem(settings: RolloutCorrectionSettings): Problem | undefined {
  try {
    rejectionRules(settings);
    return undefined;
  } catch (error) {
    if (error instanceof RangeError) return { key: 'rolloutRsThreshold', message: error.message };
    throw error;
  }
}

function isPreset(name: string): name is RolloutCorrectionPreset {
  return Object.hasOwn(rolloutCorrectionPresets, name);
}
