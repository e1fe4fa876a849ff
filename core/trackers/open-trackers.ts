import type { TrackerSettings, TrackersConfig } from './config.js';
import { ConsoleTracker, type TextStream } from './console.js';
import { FanOutTracker } from './fan-out.js';
import { GuardedTracker } from './guarded-tracker.js';
import { openMlflow } from './mlflow.js';
import { openTensorboard } from './tensorboard.js';
import type { OpenTracker, TrackerContext } from './tracker-context.js';

export interface TrackersContext extends TrackerContext {
  /** Where the console tracker writes its lines. */
  readonly stream: TextStream;
}

export interface OpenedTrackers {
  /** All of them as one: it never fails or waits for a server. Call `finish` when the run reached its end. */
  readonly tracker: OpenTracker;
  /** What a person should know before the run begins. */
  readonly notes: readonly string[];
}

/**
 * Opens the trackers of the config. One that cannot be reached is a note and is tried again while the run goes on; throws
 * ConfigError when one can never be opened as things stand.
 */
export async function openTrackers(
  config: TrackersConfig,
  context: TrackersContext,
  signal: AbortSignal,
): Promise<OpenedTrackers> {
  const opened: OpenTracker[] = [];
  const notes: string[] = [];
  try {
    for (const settings of config) {
      const { tracker, note } = await openOne(settings, context, signal);
      opened.push(tracker);
      if (note !== undefined) notes.push(note);
    }
  } catch (error) {
    await disposeAll(opened);
    throw error;
  }
  return { tracker: new OpenTrackers(opened), notes };
}

type Opened = { readonly tracker: OpenTracker; readonly note?: string };

async function openOne(settings: TrackerSettings, context: TrackersContext, signal: AbortSignal): Promise<Opened> {
  if (settings.name === 'console') return { tracker: new ConsoleTracker(settings, context.stream) };
  return GuardedTracker.open({ name: settings.name, open: opener(settings, context) }, signal);
}

/** The kinds that can fail by the world's fault; a new one is a row here and in the config. */
function opener(
  settings: Exclude<TrackerSettings, { name: 'console' }>,
  context: TrackerContext,
): (signal: AbortSignal) => Promise<OpenTracker> {
  switch (settings.name) {
    case 'tensorboard':
      return () => openTensorboard(settings, context);
    case 'mlflow':
      return (signal) => openMlflow(settings, context, signal);
    default:
      return settings satisfies never;
  }
}

/** Owns its trackers. */
class OpenTrackers extends FanOutTracker implements OpenTracker {
  readonly #owned: readonly OpenTracker[];

  constructor(trackers: readonly OpenTracker[]) {
    super(trackers);
    this.#owned = trackers;
  }

  finish(): void {
    for (const tracker of this.#owned) tracker.finish?.();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await disposeAll(this.#owned);
  }
}

/** All at once: each may take its own time to flush. */
async function disposeAll(trackers: readonly OpenTracker[]): Promise<void> {
  await Promise.all(trackers.map((tracker) => tracker[Symbol.asyncDispose]()));
}
