import { type FileHandle, mkdir, open, readdir } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { z } from 'zod';
import { log } from '../log.js';
import type { Metrics, TrajectoryGroup } from '../types.js';
import { fenced, sampleTexts } from './sample-text.js';
import { fileVersionEvent, scalarsEvent, sessionStartEvent, textEvent } from './tensorboard/event.js';
import { recordFrame } from './tensorboard/record-frame.js';
import type { OpenTracker, TrackerContext } from './tracker-context.js';

export const tensorboardSettings = z.strictObject({
  name: z.literal('tensorboard'),
  samples: z.int().min(0).max(1000).default(4).describe('episodes a step and an evaluation that are kept as text'),
});
export type TensorboardSettings = z.output<typeof tensorboardSettings>;

/**
 * Starts a new event file in <run directory>/tensorboard. That of a resumed run tells TensorBoard to forget the steps after
 * the one taken up, which earlier files may hold.
 */
export async function openTensorboard(
  { samples }: TensorboardSettings,
  { directory, config, startedAt, resumedAt }: TrackerContext,
  signal: AbortSignal,
): Promise<OpenTracker> {
  signal.throwIfAborted();
  const folder = join(directory, 'tensorboard');
  await mkdir(folder, { recursive: true });
  const earlier = (await readdir(folder)).filter((name) => name.startsWith(prefix));
  const tracker = new TensorboardTracker(await open(join(folder, newName(startedAt, earlier)), 'wx'), samples);
  const now = startedAt.getTime() / 1000;
  const head = [fileVersionEvent(now), sessionStartEvent(now, resumedAt === undefined ? 0 : resumedAt + 1)];
  const text = { tag: 'config', texts: [fenced(stringify(config))] };
  await tracker.write(earlier.length === 0 ? [...head, textEvent(now, 0, text)] : head);
  return tracker;
}

const prefix = 'events.out.tfevents.';

/** Readers take the files in the order of their names, so a new one is named for a later second than those that are there. */
function newName(startedAt: Date, earlier: readonly string[]): string {
  const seconds = earlier.map((name) => Number.parseInt(name.slice(prefix.length), 10)).filter(Number.isFinite);
  const second = Math.max(Math.floor(startedAt.getTime() / 1000), ...seconds.map((one) => one + 1));
  return `${prefix}${String(second).padStart(10, '0')}.${hostname()}.${process.pid}.0`;
}

/** Writes one event file; what a call told is with the operating system when the call ends. */
class TensorboardTracker implements OpenTracker {
  readonly #file: FileHandle;
  readonly #samples: number;
  #isOpen = true;
  /** Length of the whole records: what a failed write left behind is written over. */
  #sizeBytes = 0;

  constructor(file: FileHandle, samples: number) {
    this.#file = file;
    this.#samples = samples;
  }

  async log(step: number, metrics: Metrics): Promise<void> {
    await this.write([scalarsEvent(Date.now() / 1000, step, metrics)]);
  }

  async trajectories(step: number, split: 'train' | 'eval', groups: readonly TrajectoryGroup[]): Promise<void> {
    const texts = sampleTexts(groups, this.#samples);
    if (texts.length > 0)
      await this.write([textEvent(Date.now() / 1000, step, { tag: `generations/${split}`, texts })]);
  }

  async write(events: readonly Uint8Array[]): Promise<void> {
    const frames = Buffer.concat(events.map(recordFrame));
    for (let written = 0; written < frames.length; ) {
      const { bytesWritten } = await this.#file.write(
        frames,
        written,
        frames.length - written,
        this.#sizeBytes + written,
      );
      written += bytesWritten;
    }
    this.#sizeBytes += frames.length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    await this.#file.close().catch((error: unknown) => log('warn', 'tracker_close_failed', { reason: String(error) }));
  }
}
