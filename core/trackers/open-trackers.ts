import type { TrackerSettings, TrackersConfig } from './config.js';
import { ConsoleTracker, type TextStream } from './console.js';
import { FanOutTracker } from './fan-out.js';
import { GuardedTracker } from './guarded-tracker.js';
import { openMlflow } from './mlflow.js';
import { openSwanlab } from './swanlab.js';
import { openTensorboard } from './tensorboard.js';
import type { OpenTracker, TrackerContext } from './tracker-context.js';
import { openWandb } from './wandb.js';

export interface TrackersContext extends TrackerContext {
  /** Where the console tracker writes its lines. */
  readonly stream: TextStream;
}

/** Several trackers as one, which never fails and never waits for a server. It owns them; disposing flushes, for seconds at most. */
export class OpenTrackers extends FanOutTracker implements OpenTracker {
  /** What a person should know before the run begins. */
  readonly notes: readonly string[];

  readonly #owned: readonly OpenTracker[];

  constructor(opened: readonly Opened[]) {
    super(opened.map(({ tracker }) => tracker));
    this.#owned = opened.map(({ tracker }) => tracker);
    this.notes = opened.flatMap(({ note }) => note ?? []);
  }

  /** Says that the run reached its end. Disposed without it, the run failed, or was interrupted where the signal had aborted. */
  finish(): void {
    for (const tracker of this.#owned) tracker.finish?.();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await disposeAll(this.#owned);
  }
}

/**
 * Opens the trackers of the config. One that cannot be reached is a note and is tried again while the run goes on; throws
 * ConfigError when one can never be opened as things stand.
 */
export async function openTrackers(
  config: TrackersConfig,
  context: TrackersContext,
  signal: AbortSignal,
): Promise<OpenTrackers> {
  const opened: Opened[] = [];
  try {
    for (const settings of config) opened.push(await openOne(settings, context, signal));
  } catch (error) {
    await disposeAll(opened.map(({ tracker }) => tracker));
    throw error;
  }
  return new OpenTrackers(opened);
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
      return (signal) => openTensorboard(settings, context, signal);
    case 'mlflow':
      return (signal) => openMlflow(settings, context, signal);
    case 'wandb':
      return (signal) => openWandb(settings, context, signal);
    case 'swanlab':
      return (signal) => openSwanlab(settings, context, signal);
    default:
      return settings satisfies never;
  }
}

/** All at once: each may take its own time to flush. */
async function disposeAll(trackers: readonly OpenTracker[]): Promise<void> {
  await Promise.all(trackers.map((tracker) => tracker[Symbol.asyncDispose]()));
}
