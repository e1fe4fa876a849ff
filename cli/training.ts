import { loadLatestCheckpoint, saveCheckpoint } from '../core/checkpoint.js';
import { ConfigError } from '../core/errors.js';
import { log } from '../core/log.js';
import { initialLoopState, type LoopState } from '../core/loop-state.js';
import { type RunState, runState } from '../core/run-state.js';
import { meanReward, toolCallRate } from '../core/step-metrics.js';
import { train } from '../core/train.js';
import { scoredTrajectories } from '../core/trajectories.js';
import type { Task } from '../core/types.js';
import { validationMetrics } from '../core/validation/validation-metrics.js';
import { warmStart } from '../core/warm-start.js';
import { collectDemonstrations } from './demonstrations.js';
import { evaluationGroups, evaluationTasks } from './evaluation.js';
import { type House, withHouse } from './house.js';
import type { ResolvedRun } from './resolve-run.js';
import type { RunOptions } from './run-options.js';
import { TrainingGroups } from './training-groups.js';

/** Everything a training run is given. */
export type TrainingOptions = RunOptions<ResolvedRun>;

/** What a run came to: mean rewards over the same evaluation tasks before and after, sampled alike. */
export type TrainingSummary = {
  readonly initialReward: number;
  readonly finalReward: number;
  readonly steps: number;
  readonly seconds: number;
  /** Share of the last evaluation's episodes in which a tool ran. */
  readonly toolCallRate: number;
};

/** Trains and says what came of it. On abort writes a checkpoint and throws the signal's reason. */
export type RunTraining = (options: TrainingOptions, signal: AbortSignal) => Promise<TrainingSummary>;

export const runTraining: RunTraining = async (options, signal) => {
  const evalTasks = evaluationTasks(options.run);
  return withHouse(
    options.run,
    (house, signal) => new TrainingSession(house, { ...options, evalTasks }).run(signal),
    signal,
  );
};

interface SessionOptions extends TrainingOptions {
  readonly evalTasks: readonly Task[];
}

/** One run: where it stands, and the doors of the loop. */
class TrainingSession {
  readonly #house: House;
  readonly #options: SessionOptions;
  readonly #startedAt = performance.now();
  #initialReward = Number.NaN;
  #finalReward = Number.NaN;
  #toolCallRate = 0;
  /** The last step whose evaluation the records hold. */
  #lastEvaluation = -1;
  readonly #tasks: TrainingGroups;

  constructor(house: House, options: SessionOptions) {
    this.#house = house;
    this.#options = options;
    const { run, directory } = options;
    const { warmStart } = run.config;
    // the demonstrations' tasks come before the first step's
    const nextTask = warmStart.steps === 0 ? 0 : warmStart.demonstrations;
    this.#tasks = new TrainingGroups({ house, run, runId: directory.name }, nextTask);
  }

  async run(signal: AbortSignal): Promise<TrainingSummary> {
    const { run, progress, tracker } = this.#options;
    const { config } = run;
    for (const note of this.#house.notes) progress.note(note);
    const { step: lastStep, loop } = await this.#begin(signal);
    if (config.trainer.valOnly) progress.phase('evaluate', 0);
    else progress.phase('train', config.trainer.totalTrainingSteps, lastStep);
    await train(
      {
        loop: config.trainer,
        algorithm: config.algorithm,
        critic: config.critic,
        optimizer: config.optimizer,
        trainBatchSize: config.data.trainBatchSize,
        temperature: config.rollout.temperature,
        maxResponseTokens: config.rollout.maxResponseTokens,
        seed: config.seed,
        lastStep,
        state: loop,
      },
      {
        trainer: this.#house.trainer,
        tracker,
        collect: (request, signal) => this.#tasks.collect(request, signal),
        evaluate: (step, signal) => this.#evaluate(step, signal),
        ...(this.#house.score && { score: this.#house.score }),
        save: (step, state, signal) => this.#save(step, state, signal),
        remark: (sentence) => log('warn', 'remark', { sentence }),
      },
      signal,
    );
    return {
      initialReward: this.#initialReward,
      finalReward: this.#finalReward,
      steps: config.trainer.valOnly ? lastStep : config.trainer.totalTrainingSteps,
      seconds: (performance.now() - this.#startedAt) / 1000,
      toolCallRate: this.#toolCallRate,
    };
  }

  /** Loads the newest checkpoint, or warms the fresh weights up and makes them the first one; returns where the run stands. */
  async #begin(signal: AbortSignal): Promise<Pick<RunState, 'step' | 'loop'>> {
    const { run, directory, records, resume } = this.#options;
    const state = resume
      ? await loadLatestCheckpoint(
          directory.checkpointsPath,
          { trainer: this.#house.trainer, schema: runState },
          signal,
        )
      : undefined;
    if (state !== undefined && state.seed !== run.config.seed) {
      throw new ConfigError(
        `the run began with seed ${state.seed} and cannot go on with ${run.config.seed}; leave seed out`,
      );
    }
    const standing = state === undefined || state.step === 0 ? -1 : state.step;
    const notes = await this.#options.openTrackers(resume ? standing : undefined);
    for (const note of notes) this.#options.progress.note(note);
    if (resume) await records.resumeAt(standing);
    if (state === undefined) {
      await this.#warmStart(signal);
      const loop = initialLoopState(run.config.algorithm);
      await this.#save(0, loop, signal);
      return { step: 0, loop };
    }
    this.#tasks.takeUp(state);
    this.#initialReward = state.initialReward ?? Number.NaN;
    const evaluations = (await records.readMetrics()).filter(({ data }) => 'val-aux/failed' in data);
    this.#lastEvaluation = evaluations.at(-1)?.step ?? -1;
    return state;
  }

  async #warmStart(signal: AbortSignal): Promise<void> {
    const { run, directory, progress } = this.#options;
    const { warmStart: config, seed } = run.config;
    if (config.steps === 0) return;
    progress.phase('demonstrations', config.demonstrations);
    const request = { run, fabric: this.#house.fabric, runId: directory.name, onEpisode: () => progress.advance() };
    const demonstrations = await collectDemonstrations(request, signal);
    progress.phase('warm start', config.steps);
    const onStep = (step: number, loss: number) => progress.step(step, { 'train/loss': loss });
    await warmStart(demonstrations, { config, trainer: this.#house.trainer, seed, onStep }, signal);
  }

  async #evaluate(step: number, signal: AbortSignal): Promise<void> {
    const { run, directory, tracker, evalTasks } = this.#options;
    const request = { house: this.#house, run, runId: directory.name, tasks: evalTasks, step };
    const groups = await evaluationGroups(request, signal);
    this.#finalReward = meanReward(groups);
    this.#toolCallRate = toolCallRate(groups.flatMap(scoredTrajectories));
    if (step === 0) this.#initialReward = this.#finalReward;
    if (step > this.#lastEvaluation) await tracker.log(step, validationMetrics(groups));
    await tracker.trajectories(step, 'eval', groups);
  }

  async #save(step: number, loop: LoopState, signal: AbortSignal): Promise<void> {
    const { run, directory } = this.#options;
    const state: RunState = {
      step,
      nextTask: this.#tasks.nextTaskAfter(step),
      seed: run.config.seed,
      initialReward: Number.isNaN(this.#initialReward) ? null : this.#initialReward,
      loop,
    };
    const request = { state, trainer: this.#house.trainer, keep: run.config.trainer.maxCkptToKeep };
    await saveCheckpoint(directory.checkpointsPath, request, signal);
  }
}
