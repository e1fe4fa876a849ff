import type { AlgorithmConfig } from '../algorithm-config.js';
import { choosePolicyLoss, estimatorNeeds } from '../algorithms.js';
import type { CriticConfig } from '../critic-config.js';
import { klPenaltyValues } from '../losses/kl-penalty.js';
import { passLimit } from '../pass-limit.js';
import { pfPpoResample } from '../pf-ppo.js';
import { Rng, rngKey } from '../rng.js';
import { resolveRolloutCorrection } from '../rollout-correction/config.js';
import { correctRollouts } from '../rollout-correction/correct-rollouts.js';
import { rolloutProbsDiff } from '../rollout-correction/rollout-probs-diff.js';
import type { Stopwatch } from '../stopwatch.js';
import type { Metrics, OptimizerPasses, Trainer, TrainSequence, TrajectoryGroup } from '../types.js';
import { type EstimatedRow, estimateRows } from './estimate.js';
import { experienceMetrics, overlongMetrics } from './experience-metrics.js';
import { inferRows } from './infer-rows.js';
import { type ExperienceRow, rowsOf } from './rows.js';

/** What experience is made with. */
export interface ExperienceParts {
  readonly trainer: Pick<Trainer, 'infer' | 'update'>;
  readonly algorithm: AlgorithmConfig;
  readonly critic: CriticConfig;
  readonly temperature: number;
  /** Tokens that an episode may sample at most. */
  readonly maxResponseTokens: number;
  /** Of the weights that are about to be trained. */
  readonly version: number;
  /** Weight of the KL penalty in the reward at this step. */
  readonly klCoef: number;
  /** How a process reward model is trained at this step. */
  readonly processRewardPasses: OptimizerPasses;
  /** Names the step's random numbers. */
  readonly seed: number;
  readonly time: Stopwatch;
}

/** Trajectories + advantages: what a step's groups become for the trainer. */
export interface Experience {
  /** In the groups' order, unless resampled; failed rollouts are not in it. */
  readonly sequences: readonly TrainSequence[];
  /** What becomes of each group: [group][sequence]. */
  readonly byGroup: readonly (readonly TrainSequence[])[];
  /** Mean over trajectories' tokens of KL(old, reference), where it is a penalty in the reward. */
  readonly rewardKl: number | undefined;
  readonly metrics: Metrics;
}

/** In verl's order: old log-probs, reference, values, rollout correction, KL in the reward, advantages, resampling. */
export async function makeExperience(
  groups: readonly TrajectoryGroup[],
  parts: ExperienceParts,
  signal: AbortSignal,
): Promise<Experience> {
  const { algorithm, time, temperature } = parts;
  const rows = rowsOf(groups, algorithm, parts.maxResponseTokens);
  const options = { temperature, ...passLimit(parts.processRewardPasses) };
  const inferred = await inferRows(rows, inferenceOf(rows, parts), { trainer: parts.trainer, options, time }, signal);
  const corrected = correct(inferred, algorithm);
  const processed = await addProcessRewards(corrected.rows, parts, signal);
  return time.measure('adv', async () => {
    const penalised = penalise(processed.rows, parts);
    const estimated = estimateRows(groups, penalised.rows, algorithm);
    const byGroup = groups.map((_, g) => estimated.filter(({ group }) => group === g).map(trainSequence));
    return {
      sequences: algorithm.usePfPpo ? resample(estimated, parts).map(trainSequence) : byGroup.flat(),
      byGroup,
      rewardKl: penalised.kl,
      metrics: {
        ...overlongMetrics(rows, algorithm),
        ...corrected.metrics,
        ...processed.metrics,
        ...penalised.metrics,
        ...experienceMetrics(estimated),
      },
    };
  });
}

/** What to ask the models for; old log-probs only where the sampling policy and the trained one may differ. */
function inferenceOf(rows: readonly ExperienceRow[], { algorithm, critic, version }: ExperienceParts) {
  const needs = estimatorNeeds(algorithm.advEstimator.name);
  const { needsReference = false } = choosePolicyLoss(algorithm.policyLoss);
  const correction = resolveRolloutCorrection(algorithm.rolloutCorrection);
  const isCut = rows.some(({ sequence }) => sequence.samplingLogprobs !== undefined);
  const isStale = rows.some(({ sequence: { versions }, mask }) =>
    versions.some((sampledAt, t) => mask[t] === 1 && sampledAt >= 0 && sampledAt !== version),
  );
  const isCorrected =
    correction.rolloutIs !== null || correction.rolloutRs.length > 0 || algorithm.rolloutCorrection.preset !== null;
  return {
    oldLogprobs: isCorrected || (!correction.bypassMode && (isCut || isStale)),
    sumPiSquared: needs.includes('sumPiSquared'),
    refLogprobs: algorithm.useKlInReward || algorithm.useKlLoss || needsReference || needs.includes('processRewards'),
    values: isCriticUsed(algorithm, critic),
  };
}

/** Whether there is a critic: when asked for, else when the estimator needs its values. */
export function isCriticUsed(
  algorithm: Pick<AlgorithmConfig, 'advEstimator'>,
  { enable }: Pick<CriticConfig, 'enable'>,
) {
  return enable ?? estimatorNeeds(algorithm.advEstimator.name).includes('values');
}

/** Importance weights and rejections; in bypass mode the engine's log-probs are the old ones. */
function correct(
  rows: readonly ExperienceRow[],
  { rolloutCorrection }: AlgorithmConfig,
): { rows: ExperienceRow[]; metrics: Metrics } {
  const settings = resolveRolloutCorrection(rolloutCorrection);
  const onPolicy = rows.map(({ trajectory, ...row }) => ({
    ...row,
    mask: trajectory.isOffPolicy ? row.mask.map(() => 0 as const) : row.mask,
  }));
  const { weights, masks, metrics } = correctRollouts(onPolicy, settings);
  const isWeighed = settings.rolloutIs !== null && !settings.bypassMode;
  const changed = rows.map((row, i): ExperienceRow => {
    const oldLogprobs = settings.bypassMode ? row.rolloutLogprobs : row.oldLogprobs;
    if (row.trajectory.isOffPolicy) return { ...row, oldLogprobs };
    const rolloutIsWeights = weights[i];
    return {
      ...row,
      oldLogprobs,
      mask: masks[i] ?? row.mask,
      ...(isWeighed && rolloutIsWeights && { rolloutIsWeights }),
    };
  });
  return { rows: changed, metrics: { ...metrics, ...rolloutProbsDiff(onPolicy) } };
}

/** Trains the process reward model on the step's outcomes, then asks it for the tokens' rewards (PRIME, algorithm 1). */
async function addProcessRewards(
  rows: readonly ExperienceRow[],
  { algorithm, trainer, temperature, processRewardPasses, time }: ExperienceParts,
  signal: AbortSignal,
): Promise<{ rows: readonly ExperienceRow[]; metrics: Metrics }> {
  if (!estimatorNeeds(algorithm.advEstimator.name).includes('processRewards')) return { rows, metrics: {} };
  const { beta } = algorithm.processReward;
  const judged = rows.map((row) => ({
    tokens: row.sequence.tokens,
    mask: row.mask,
    logprobs: row.oldLogprobs,
    advantages: row.mask,
    ...(row.refLogprobs && { refLogprobs: row.refLogprobs }),
    outcome: Math.min(1, Math.max(0, row.trajectory.reward.value)),
  }));
  const update = { ...processRewardPasses, model: 'processReward', beta, temperature } as const;
  const metrics = await time.measure('update_prm', () => trainer.update(judged, update, signal));
  const options = { columns: ['processLogprobs'] as const, temperature, ...passLimit(processRewardPasses) };
  const { processLogprobs } = await time.measure('prm', () => trainer.infer(judged, options, signal));
  return {
    metrics,
    rows: rows.map((row, i) => ({
      ...row,
      processRewards: row.mask.map((_, t) => beta * ((processLogprobs?.[i]?.[t] ?? 0) - (row.refLogprobs?.[t] ?? 0))),
    })),
  };
}

function penalise(rows: readonly ExperienceRow[], { algorithm, klCoef }: ExperienceParts) {
  if (!algorithm.useKlInReward) return { rows, kl: undefined, metrics: {} };
  const kls: number[] = [];
  const penalised = rows.map((row): ExperienceRow => {
    const { refLogprobs, mask, rewards } = row;
    if (refLogprobs === undefined) return row;
    const penalties = klPenaltyValues(algorithm.klPenalty, row.oldLogprobs, refLogprobs);
    const own = penalties.filter((_, t) => mask[t] === 1);
    if (own.length > 0) kls.push(own.reduce((a, b) => a + b, 0) / own.length);
    return { ...row, rewards: rewards.map((reward, t) => reward - (mask[t] === 1 ? klCoef * (penalties[t] ?? 0) : 0)) };
  });
  const kl = kls.reduce((a, b) => a + b, 0) / Math.max(1, kls.length);
  return {
    rows: penalised,
    kl,
    metrics: { 'actor/reward_kl_penalty': kl, 'actor/reward_kl_penalty_coeff': klCoef },
  };
}

/** PF-PPO: whole trajectories, drawn with replacement by their scores. */
function resample(rows: readonly EstimatedRow[], { algorithm, seed }: ExperienceParts): EstimatedRow[] {
  const trajectories = [...new Set(rows.map(({ trajectory }) => trajectory))];
  const scores = trajectories.map(({ reward }) => reward.value);
  const drawn = pfPpoResample(scores, algorithm.pfPpo, new Rng(rngKey(seed, 'pf-ppo')));
  return drawn.flatMap((index) => rows.filter(({ trajectory }) => trajectory === trajectories[index]));
}

function trainSequence(row: EstimatedRow): TrainSequence {
  const { sequence, mask, oldLogprobs, advantages, group, refLogprobs, rolloutIsWeights, values, returns } = row;
  return {
    tokens: sequence.tokens,
    mask,
    logprobs: oldLogprobs,
    advantages,
    group,
    ...(refLogprobs && { refLogprobs }),
    ...(rolloutIsWeights && { rolloutIsWeights }),
    ...(row.trajectory.isOffPolicy && { isOffPolicy: true }),
    ...(values && { values, returns }),
  };
}
