import type { RunDirectory } from '../core/run-directory.js';
import type { ReadableTracker } from '../core/trackers/record.js';
import type { Tracker } from '../core/types.js';
import type { Progress } from './progress.js';

/** Everything that a run is given. */
export interface RunOptions<Run> {
  readonly run: Run;
  readonly directory: RunDirectory;
  /** Told every metric and trajectory; it also feeds the progress. */
  readonly tracker: Tracker;
  /** The run's own records, to be cut with `resumeAt` at the checkpoint's step. */
  readonly records: ReadableTracker;
  readonly progress: Progress;
  /**
   * Called once, when the start can no more be refused and nothing was told yet. `resumedAt`: of a run that is taken up, the last
   * step whose records stand, -1 for none. Returns what a person should know.
   */
  openTrackers(resumedAt: number | undefined): Promise<readonly string[]>;
  /** Take up the directory's newest checkpoint; from the start if there is none. */
  readonly resume: boolean;
}
