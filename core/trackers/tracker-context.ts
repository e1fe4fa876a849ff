import type { Json, Tracker } from '../types.js';

/** What a tracker outside of the run's own records is told when it is opened. */
export interface TrackerContext {
  /** Absolute path of the run's directory, which exists. */
  readonly directory: string;
  /** Unique among the project's runs and the same after a resume. */
  readonly runName: string;
  readonly projectName: string;
  /** The run's resolved config. */
  readonly config: Json;
  /** Where secrets and the ecosystem's own settings are read; nothing else reads process.env. */
  readonly env: NodeJS.ProcessEnv;
  /** When this process began, which after a resume is not when the run did. */
  readonly startedAt: Date;
  /** Only for a run that is taken up: the last step whose records stand, -1 when none do. */
  readonly resumedAt?: number;
}

/** A tracker that holds a connection or a file; disposing ends it and does not throw. */
export interface OpenTracker extends Tracker, AsyncDisposable {
  /** Says that the run reached its end. Disposed without it the run failed, or was killed where the signal had aborted. */
  finish?(): void;
}

/** Opens one kind of tracker. The signal is the run's: it ends the opening, not what is told later. */
export type OpensTracker<Settings> = (
  settings: Settings,
  context: TrackerContext,
  signal: AbortSignal,
) => Promise<OpenTracker>;
