import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import type { AdvantageEstimator, Estimates, EstimatorNeed, ScoredMember } from './advantages/advantage-estimator.js';
import { bestOfN, bestOfNSettings } from './advantages/best-of-n.js';
import { bestVsWorst, bestVsWorstSettings } from './advantages/best-vs-worst.js';
import { biLevelGae, biLevelGaeSettings } from './advantages/bi-level-gae.js';
import { gae, gaeSettings } from './advantages/gae.js';
import { gdpo, gdpoSettings } from './advantages/gdpo.js';
import { gigpo, gigpoSettings } from './advantages/gigpo.js';
import { gpg, gpgSettings } from './advantages/gpg.js';
import { grpo, grpoSettings } from './advantages/grpo.js';
import { grpoPassk, grpoPasskSettings } from './advantages/grpo-passk.js';
import { luffy, luffySettings } from './advantages/luffy.js';
import { maxRl, maxRlSettings } from './advantages/max-rl.js';
import { mtGrpo, mtGrpoSettings } from './advantages/mt-grpo.js';
import { opo, opoSettings } from './advantages/opo.js';
import { optimalTokenBaseline, optimalTokenBaselineSettings } from './advantages/optimal-token-baseline.js';
import { prime, primeSettings } from './advantages/prime.js';
import { reinforcePlusPlus, reinforcePlusPlusSettings } from './advantages/reinforce-plus-plus.js';
import {
  reinforcePlusPlusBaseline,
  reinforcePlusPlusBaselineSettings,
} from './advantages/reinforce-plus-plus-baseline.js';
import { remax, remaxSettings } from './advantages/remax.js';
import { rloo, rlooSettings } from './advantages/rloo.js';
import { tirOptimalTokenBaseline, tirOptimalTokenBaselineSettings } from './advantages/tir-optimal-token-baseline.js';
import { winRate, winRateSettings } from './advantages/win-rate.js';
import { ConfigError } from './errors.js';
import { cispo, cispoSettings } from './losses/cispo.js';
import { clipCov, clipCovSettings, prepareClipCov } from './losses/clip-cov.js';
import { dpo, dpoMetrics, dpoSettings, prepareDpo } from './losses/dpo.js';
import { dppoKl, dppoKlSettings } from './losses/dppo-kl.js';
import { dppoTv, dppoTvSettings } from './losses/dppo-tv.js';
import { dro, droSettings } from './losses/dro.js';
import { geoMean, geoMeanSettings } from './losses/geo-mean.js';
import { gpg as gpgLoss, gpgSettings as gpgLossSettings } from './losses/gpg.js';
import { gspo, gspoSettings } from './losses/gspo.js';
import { klCov, klCovSettings, prepareKlCov } from './losses/kl-cov.js';
import { luffy as luffyLoss, luffySettings as luffyLossSettings } from './losses/luffy.js';
import type {
  PolicyLoss,
  PolicyLossInput,
  PolicyLossOutput,
  PolicyLossTraits,
  PreparedMiniBatch,
} from './losses/policy-loss.js';
import { reinforce, reinforceSettings } from './losses/reinforce.js';
import { sapo, sapoSettings } from './losses/sapo.js';
import { sft, sftSettings } from './losses/sft.js';
import { sppo, sppoSettings } from './losses/sppo.js';
import { vanilla, vanillaSettings } from './losses/vanilla.js';
import type { Rng } from './rng.js';

// The table of algorithms: a new one is a file beside these and a row here. Names are verl's where verl has the algorithm.

const advantageEstimators = [
  estimator(grpoSettings, grpo),
  estimator(grpoPasskSettings, grpoPassk),
  estimator(gaeSettings, gae, ['values']),
  estimator(reinforcePlusPlusSettings, reinforcePlusPlus),
  estimator(reinforcePlusPlusBaselineSettings, reinforcePlusPlusBaseline),
  estimator(rlooSettings, rloo),
  estimator(opoSettings, opo),
  estimator(remaxSettings, remax, ['greedyReward']),
  estimator(gpgSettings, gpg),
  estimator(optimalTokenBaselineSettings, optimalTokenBaseline, ['sumPiSquared']),
  estimator(tirOptimalTokenBaselineSettings, tirOptimalTokenBaseline, ['sumPiSquared']),
  estimator(gdpoSettings, gdpo),
  estimator(gigpoSettings, gigpo),
  estimator(mtGrpoSettings, mtGrpo),
  estimator(biLevelGaeSettings, biLevelGae, ['values']),
  estimator(primeSettings, prime, ['processRewards']),
  estimator(luffySettings, luffy),
  estimator(maxRlSettings, maxRl),
  estimator(bestOfNSettings, bestOfN),
  estimator(bestVsWorstSettings, bestVsWorst),
  estimator(winRateSettings, winRate),
] as const;

const policyLosses = [
  policyLoss(vanillaSettings, vanilla),
  policyLoss(gspoSettings, gspo, { lossAggMode: 'seq-mean-token-mean' }),
  policyLoss(sapoSettings, sapo, { lossAggMode: 'seq-mean-token-mean' }),
  policyLoss(gpgLossSettings, gpgLoss),
  policyLoss(clipCovSettings, clipCov, { prepare: prepareClipCov }),
  policyLoss(klCovSettings, klCov, { prepare: prepareKlCov, learnsWithoutAdvantage: true }),
  policyLoss(geoMeanSettings, geoMean, { lossAggMode: 'seq-mean-token-mean', weighsItself: true }),
  policyLoss(cispoSettings, cispo),
  policyLoss(dppoTvSettings, dppoTv),
  policyLoss(dppoKlSettings, dppoKl),
  policyLoss(droSettings, dro, { learnsWithoutAdvantage: true }),
  policyLoss(reinforceSettings, reinforce, { weighsItself: true }),
  policyLoss(luffyLossSettings, luffyLoss),
  policyLoss(sppoSettings, sppo, { lossAggMode: 'seq-mean-token-mean', learnsWithoutAdvantage: true }),
  policyLoss(dpoSettings, dpo, {
    lossAggMode: 'token-sum',
    prepare: prepareDpo,
    miniBatchMetrics: dpoMetrics,
    keepsGroups: true,
    needsReference: true,
  }),
  policyLoss(sftSettings, sft),
] as const;

export const advantageEstimatorSettings =
  settingsOf<(typeof advantageEstimators)[number]['settings']>(advantageEstimators);
export const policyLossSettings = settingsOf<(typeof policyLosses)[number]['settings']>(policyLosses);

export type AdvantageEstimatorSettings = z.output<typeof advantageEstimatorSettings>;

/** What the estimator of that name needs besides rewards. Throws ConfigError when the table has no such row. */
export function estimatorNeeds(name: string): readonly EstimatorNeed[] {
  return rowOf('advantage estimator', advantageEstimators, name).needs;
}

/** Advantages by the estimator that `settings.name` names. Throws ConfigError when the table has no such row. */
export function estimateAdvantages(
  settings: AdvantageEstimatorSettings,
  groups: readonly (readonly ScoredMember[])[],
): Estimates {
  return rowOf('advantage estimator', advantageEstimators, settings.name).estimate(groups, settings);
}

/** A policy loss with its settings filled in. */
export interface ChosenPolicyLoss extends Omit<PolicyLossTraits<never>, 'prepare' | 'miniBatchMetrics'> {
  /** Losses of tokens, multiplied by their importance weights. */
  loss(input: PolicyLossInput): PolicyLossOutput;
  prepare?(miniBatch: PreparedMiniBatch, rng: Rng): Float32Array;
  miniBatchMetrics?(miniBatch: PreparedMiniBatch): { readonly [name: string]: number };
}

/** The loss that `settings.name` names. Throws ConfigError when the table has no such row or the settings do not fit it. */
export function choosePolicyLoss(settings: { readonly name: string }): ChosenPolicyLoss {
  return rowOf('policy loss', policyLosses, settings.name).choose(settings);
}

type Settings = z.ZodObject<{ name: z.ZodLiteral<string> }>;

function estimator<Schema extends Settings>(
  settings: Schema,
  estimate: AdvantageEstimator<z.output<Schema>>,
  needs: readonly EstimatorNeed[] = [],
) {
  return {
    settings,
    needs,
    estimate: (groups: readonly (readonly ScoredMember[])[], raw: unknown) =>
      estimate(groups, parseSettings(settings, raw)),
  };
}

function policyLoss<Schema extends Settings>(
  settings: Schema,
  loss: PolicyLoss<z.output<Schema>>,
  { prepare, miniBatchMetrics, ...traits }: PolicyLossTraits<z.output<Schema>> = {},
) {
  return {
    settings,
    choose(raw: unknown): ChosenPolicyLoss {
      const parsed = parseSettings(settings, raw);
      return {
        ...traits,
        loss: (input) => weighed(loss(input, parsed), input, traits.weighsItself === true),
        ...(prepare && { prepare: (miniBatch, rng) => prepare(miniBatch, parsed, rng) }),
        ...(miniBatchMetrics && { miniBatchMetrics: (miniBatch) => miniBatchMetrics(miniBatch, parsed) }),
      };
    },
  };
}

function weighed(output: PolicyLossOutput, { rolloutIsWeights }: PolicyLossInput, isDone: boolean): PolicyLossOutput {
  return isDone ? output : { ...output, losses: tf.mul(output.losses, rolloutIsWeights) };
}

/** What came from another process may be wrong: the user's fault, in one sentence. */
function parseSettings<Schema extends Settings>(settings: Schema, raw: unknown): z.output<Schema> {
  const parsed = settings.safeParse(raw);
  if (parsed.success) return parsed.data;
  throw new ConfigError(`settings of ${settings.shape.name.value}: ${z.prettifyError(parsed.error)}`);
}

function settingsOf<Schema extends Settings>(rows: readonly [{ settings: Schema }, ...{ settings: Schema }[]]) {
  const [first, ...rest] = rows;
  return z.discriminatedUnion('name', [first.settings, ...rest.map(({ settings }) => settings)]);
}

function rowOf<Row extends { settings: Settings }>(kind: string, rows: readonly Row[], name: string): Row {
  const names = rows.map(({ settings }) => settings.shape.name.value);
  const row = rows[names.indexOf(name)];
  if (row === undefined) throw new ConfigError(`unknown ${kind} '${name}'; known: ${names.join(', ')}`);
  return row;
}
