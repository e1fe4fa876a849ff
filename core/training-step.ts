import type { AlgorithmConfig } from './algorithm-config.js';
import { type CollectedGroups, collectKept } from './collect-kept.js';
import { activeEntropyCoef, nextEntropyCoef } from './controllers/entropy-controller.js';
import { nextKlCoef } from './controllers/kl-controller.js';
import type { CriticConfig } from './critic-config.js';
import { EventLoopLag } from './event-loop-lag.js';
import { type Experience, isCriticUsed, makeExperience } from './experience/make-experience.js';
import type { LoopState } from './loop-state.js';
import { rngKey } from './rng.js';
import { resolveRolloutCorrection } from './rollout-correction/config.js';
import { type OptimizerConfig, optimizerOptions } from './schedule.js';
import { explainSignal } from './signal/explain-signal.js';
import { SignalExplainer } from './signal/signal-explainer.js';
import { rolloutMetrics } from './step-metrics.js';
import { Stopwatch } from './stopwatch.js';
import type {
  ActorUpdateOptions,
  CriticUpdateOptions,
  Metrics,
  OptimizerPasses,
  Trainer,
  TrajectoryGroup,
} from './types.js';

/** How each step of a run is made. */
export interface StepPlan {
  readonly algorithm: AlgorithmConfig;
  readonly critic: CriticConfig;
  readonly optimizer: OptimizerConfig;
  readonly loop: { readonly totalTrainingSteps: number; readonly criticWarmup: number };
  /** Groups a step. */
  readonly trainBatchSize: number;
  readonly temperature: number;
  /** Tokens that an episode may sample at most. */
  readonly maxResponseTokens: number;
  readonly seed: number;
}

export interface StepParts {
  readonly trainer: Pick<Trainer, 'infer' | 'update' | 'publish'>;
  /** Finished groups of a step, sampled from the given version of the weights; further rounds bring other tasks. */
  collect(request: CollectStep, signal: AbortSignal): AsyncIterable<TrajectoryGroup>;
  /** Puts the scores of a reward model into the rewards of collected groups. */
  readonly score?: (groups: readonly TrajectoryGroup[], signal: AbortSignal) => Promise<readonly TrajectoryGroup[]>;
}

export interface CollectStep {
  readonly step: number;
  readonly version: number;
  /** 0 first; more where groups were filtered out. */
  readonly round: number;
}

export interface StepResult {
  /** Of the published weights. */
  readonly version: number;
  readonly state: LoopState;
  readonly metrics: Metrics;
  /** What was trained on. */
  readonly groups: readonly TrajectoryGroup[];
  /** What a person should know. */
  readonly remarks: readonly string[];
}

/** Collect, estimate, update critic and policy, publish. Only collecting is interrupted by the signal. */
export async function trainingStep(
  plan: StepPlan,
  parts: StepParts,
  { step, version, state }: { readonly step: number; readonly version: number; readonly state: LoopState },
  signal: AbortSignal,
): Promise<StepResult> {
  const uninterrupted = new AbortController().signal;
  const { algorithm, trainBatchSize: count } = plan;
  const time = new Stopwatch();
  const collected = await collectKept((round) => collectScored(parts, { step, version, round }, time, signal), {
    filter: algorithm.filterGroups,
    count,
  });
  signal.throwIfAborted();
  const experience = await makeExperience(
    collected.kept,
    {
      ...plan,
      trainer: parts.trainer,
      version,
      klCoef: state.klCoef,
      processRewardPasses: passes(plan, algorithm.processReward.optimizer, step),
      seed: rngKey(plan.seed, 'experience', step),
      time,
    },
    uninterrupted,
  );
  using lag = new EventLoopLag();
  const updated = await update(plan, parts, { step, state, experience, time });
  const published = await time.measure('update_weights', () => parts.trainer.publish(uninterrupted));
  const signals = explainSignal(groupViews(collected, experience));
  const explainer = new SignalExplainer(state.signal);
  const remark = explainer.observe(signals.signals);
  const metrics: Metrics = {
    ...rolloutMetrics(collected.kept, experience.sequences),
    ...experience.metrics,
    ...updated,
    ...signals.metrics,
    'training/global_step': step,
    'train/num_gen_batches': collected.rounds,
    'perf/event_loop_lag_p99_ms': lag.p99(),
  };
  return {
    version: published,
    state: { ...nextState(plan, state, experience, metrics), signal: explainer.state },
    metrics: { ...metrics, ...time.metrics(metrics['perf/total_num_tokens'] ?? 0) },
    groups: collected.kept,
    remarks: remark === undefined ? [] : [remark],
  };
}

/** A round of groups with their whole rewards: filters judge by them. */
async function* collectScored(
  parts: StepParts,
  request: CollectStep,
  time: Stopwatch,
  signal: AbortSignal,
): AsyncGenerator<TrajectoryGroup, void> {
  const groups = await time.measure('gen', async () => {
    const collected: TrajectoryGroup[] = [];
    for await (const group of parts.collect(request, signal)) collected.push(group);
    return collected;
  });
  const { score } = parts;
  yield* score === undefined ? groups : await time.measure('reward', () => score(groups, signal));
}

interface UpdateRequest {
  readonly step: number;
  readonly state: LoopState;
  readonly experience: Experience;
  readonly time: Stopwatch;
}

async function update(
  plan: StepPlan,
  { trainer }: StepParts,
  { step, state, experience, time }: UpdateRequest,
): Promise<Metrics> {
  const uninterrupted = new AbortController().signal;
  const { sequences } = experience;
  const isWarm = step > plan.loop.criticWarmup;
  const hasCritic = isCriticUsed(plan.algorithm, plan.critic);
  const isJoint = plan.critic.trunk === 'shared' && isWarm;
  let metrics: Metrics = {};
  if (hasCritic && !isJoint) {
    const options = criticOptions(plan, step);
    metrics = await time.measure('update_critic', () => trainer.update(sequences, options, uninterrupted));
  }
  if (!isWarm) return metrics;
  const options = actorOptions(plan, step, state, hasCritic && isJoint ? plan.critic.vfCoef : 0);
  const actor = await time.measure('update_actor', () => trainer.update(sequences, options, uninterrupted));
  return { ...metrics, ...actor };
}

function criticOptions(plan: StepPlan, step: number): CriticUpdateOptions {
  const { cliprangeValue, ppoEpochs, ppoMiniBatchSize, optimizer } = plan.critic;
  return { ...passes(plan, optimizer, step), model: 'critic', cliprangeValue, ppoEpochs, ppoMiniBatchSize };
}

function actorOptions(plan: StepPlan, step: number, state: LoopState, vfCoef: number): ActorUpdateOptions {
  const { algorithm, critic, temperature } = plan;
  const { adaptiveEntropy, useKlLoss, klLossCoef, klLossType, entropyCoeff } = algorithm;
  const adaptive = state.entropy === null ? 0 : activeEntropyCoef(adaptiveEntropy, state.entropyCoef, state.entropy);
  return {
    ...passes(plan, plan.optimizer, step),
    model: 'actor',
    policyLoss: policyLossOf(algorithm),
    entropyCoeff: entropyCoeff + adaptive,
    klLossCoef: useKlLoss ? klLossCoef : 0,
    klLossType,
    vfCoef,
    cliprangeValue: critic.cliprangeValue,
    temperature,
  };
}

/** In bypass mode the correction may be the loss itself. */
function policyLossOf({ policyLoss, rolloutCorrection }: AlgorithmConfig): ActorUpdateOptions['policyLoss'] {
  const { bypassMode, lossType, rolloutIs, rolloutIsThreshold } = resolveRolloutCorrection(rolloutCorrection);
  if (!bypassMode || lossType === 'ppo_clip') return policyLoss;
  return { name: 'reinforce', isLevel: rolloutIs ?? 'none', isThreshold: rolloutIsThreshold };
}

function passes(plan: StepPlan, optimizer: OptimizerConfig, step: number): OptimizerPasses {
  const { lossAggMode, lossScaleFactor, ppoEpochs, ppoMiniBatchSize, ppoMaxTokenLenPerGpu, shuffle } = plan.algorithm;
  return {
    lossAggMode,
    lossScaleFactor: lossScaleFactor ?? plan.maxResponseTokens,
    ppoEpochs,
    ppoMiniBatchSize,
    ppoMaxTokenLenPerGpu,
    shuffle,
    seed: rngKey(plan.seed, 'update', step),
    ...optimizerOptions(optimizer, step, plan.loop.totalTrainingSteps),
  };
}

function groupViews({ kept, dropped }: CollectedGroups, { byGroup }: Experience) {
  return [
    ...kept.map((group, g) => ({ group, sequences: byGroup[g] ?? [] })),
    ...dropped.map((group) => ({ group, sequences: [], isFiltered: true })),
  ];
}

/** Controllers after the step. */
function nextState(
  { algorithm }: StepPlan,
  state: LoopState,
  { rewardKl, sequences }: Experience,
  metrics: Metrics,
): Omit<LoopState, 'signal'> {
  const entropy = metrics['actor/entropy'] ?? state.entropy;
  return {
    klCoef:
      rewardKl === undefined
        ? state.klCoef
        : nextKlCoef(algorithm.klCtrl, state.klCoef, { kl: rewardKl, n: sequences.length }),
    entropyCoef:
      entropy === null ? state.entropyCoef : nextEntropyCoef(algorithm.adaptiveEntropy, state.entropyCoef, entropy),
    entropy,
  };
}
