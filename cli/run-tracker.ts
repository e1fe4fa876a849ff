import { resolve } from 'node:path';
import { z } from 'zod';
import { ConfigError } from '../core/errors.js';
import type { RunDirectory } from '../core/run-directory.js';
import type { TextStream } from '../core/trackers/console.js';
import { FanOutTracker } from '../core/trackers/fan-out.js';
import { type OpenTrackers, openTrackers } from '../core/trackers/open-trackers.js';
import { rolloutDump } from '../core/trackers/rollout-dump.js';
import type { Json, Metrics, Tracker, TrajectoryGroup } from '../core/types.js';
import type { RunConfig } from './run-config.js';

/** What trackers read of a run's config. */
export interface TrackedConfig {
  readonly trainer: Pick<RunConfig['trainer'], 'logger' | 'projectName' | 'experimentName'> &
    Partial<Pick<RunConfig['trainer'], 'rolloutDataDir' | 'validationDataDir'>>;
}

export interface RunTrackerOptions {
  readonly run: { readonly config: TrackedConfig };
  readonly directory: RunDirectory;
  /** Told first: the run's own records, what a person watches. */
  readonly own: readonly Tracker[];
  /** Where the console tracker writes. */
  readonly stream: TextStream;
  readonly env: NodeJS.ProcessEnv;
  readonly startedAt: Date;
}

/**
 * Everything that a run tells: its own records, the dumps of its samples, and from `open` on the trackers of its config.
 * Disposed without `finish`, it tells these that the run failed, or was interrupted where the signal had aborted.
 */
export class RunTracker implements Tracker, AsyncDisposable {
  readonly #options: RunTrackerOptions;
  readonly #own: Tracker;
  #opened: OpenTrackers | undefined;

  /** Throws ConfigError where two kinds of samples would be written into one directory. */
  constructor(options: RunTrackerOptions) {
    this.#options = options;
    this.#own = new FanOutTracker([...options.own, ...dumps(options)]);
  }

  /** `resumedAt`: of a run that is taken up, the last step whose records stand, -1 for none. Returns what a person should know. */
  async open(resumedAt: number | undefined, signal: AbortSignal): Promise<readonly string[]> {
    const { run, directory, stream, env, startedAt } = this.#options;
    const { logger, projectName, experimentName } = run.config.trainer;
    const config: Json = z.json().parse(run.config);
    const context = {
      directory: directory.path,
      runName: experimentName ?? directory.name,
      projectName,
      config,
      env,
      startedAt,
      stream,
      ...(resumedAt === undefined ? {} : { resumedAt }),
    };
    this.#opened = await openTrackers(logger, context, signal);
    return this.#opened.notes;
  }

  /** Says that the run reached its end. */
  finish(): void {
    this.#opened?.finish();
  }

  async log(step: number, metrics: Metrics): Promise<void> {
    await this.#told.log(step, metrics);
  }

  async trajectories(step: number, split: 'train' | 'eval', groups: readonly TrajectoryGroup[]): Promise<void> {
    await this.#told.trajectories(step, split, groups);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#opened?.[Symbol.asyncDispose]();
  }

  get #told(): Tracker {
    return new FanOutTracker(this.#opened === undefined ? [this.#own] : [this.#own, this.#opened]);
  }
}

function dumps({ run, directory }: Pick<RunTrackerOptions, 'run' | 'directory'>): Tracker[] {
  const { rolloutDataDir = null, validationDataDir = null } = run.config.trainer;
  const train = rolloutDataDir === null ? undefined : resolve(directory.path, rolloutDataDir);
  const validation = validationDataDir === null ? undefined : resolve(directory.path, validationDataDir);
  if (train !== undefined && train === validation) {
    throw new ConfigError(
      `trainer.rolloutDataDir and trainer.validationDataDir are both ${train}; files of one step would replace each other, write another`,
    );
  }
  return [
    ...(train === undefined ? [] : [rolloutDump(train, 'train')]),
    ...(validation === undefined ? [] : [rolloutDump(validation, 'eval')]),
  ];
}
