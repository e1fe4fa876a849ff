import { InfrastructureError } from '../core/errors.js';
import type { RunDirectory } from '../core/run-directory.js';
import type { ReadableTracker } from '../core/trackers/record.js';
import type { Metrics, Tracker } from '../core/types.js';
import type { Progress } from './progress.js';
import type { ResolvedRun } from './resolve-run.js';

/** Everything a training run is given. */
export interface TrainingOptions {
  readonly run: ResolvedRun;
  readonly directory: RunDirectory;
  /** Told every metric and trajectory; it also feeds the progress. */
  readonly tracker: Tracker;
  /** The run's own records, to be cut with `resumeAt` at the checkpoint's step. */
  readonly records: ReadableTracker;
  readonly progress: Progress;
  /** Take up the directory's newest checkpoint; from the start if there is none. */
  readonly resume: boolean;
}

/** Everything an evaluation of a trained run is given. */
export interface EvaluationOptions {
  readonly run: ResolvedRun;
  readonly directory: RunDirectory;
  readonly progress: Progress;
}

/** Trains; returns the last evaluation. On abort writes a checkpoint and throws the signal's reason. */
export type RunTraining = (options: TrainingOptions, signal: AbortSignal) => Promise<Metrics>;

/** Evaluates the newest checkpoint; returns its metrics by verl's names (val-core/…, val-aux/…). */
export type RunEvaluation = (options: EvaluationOptions, signal: AbortSignal) => Promise<Metrics>;

export const runTraining: RunTraining = async () => {
  throw new InfrastructureError('not_wired', 'training is not wired up', { retryable: false });
};

export const runEvaluation: RunEvaluation = async () => {
  throw new InfrastructureError('not_wired', 'evaluation is not wired up', { retryable: false });
};
