import { Deadline } from '../deadline.js';
import { ConfigError, InfrastructureError } from '../errors.js';
import { log } from '../log.js';
import { onAbort } from '../on-abort.js';
import type { Metrics, TrajectoryGroup } from '../types.js';
import { untilAborted } from '../until-aborted.js';
import type { OpenTracker } from './tracker-context.js';

/** What a guarded tracker may cost. */
export interface GuardLimits {
  /** Calls that wait at most; above it the oldest is dropped. */
  readonly maxQueued: number;
  /** Of these such with trajectories, which are large. */
  readonly maxQueuedTrajectories: number;
  /** A call that takes longer means that the tracker hangs: it is given up. */
  readonly callTimeoutMs: number;
  /** Pause after the first failure in a row; doubled with each up to the longest. */
  readonly backoffMs: number;
  readonly maxBackoffMs: number;
  /** So many refused calls in a row mean that the tracker is given up. */
  readonly maxRefusals: number;
  /** What disposing may take to tell what waits, and after it to close. */
  readonly flushTimeoutMs: number;
  readonly closeTimeoutMs: number;
}

const usualLimits: GuardLimits = {
  maxQueued: 1000,
  maxQueuedTrajectories: 4,
  callTimeoutMs: 300_000,
  backoffMs: 500,
  maxBackoffMs: 30_000,
  maxRefusals: 10,
  flushTimeoutMs: 20_000,
  closeTimeoutMs: 5_000,
};

export interface GuardedTrackerOptions {
  readonly name: string;
  /** Asked again when it failed by the world's fault. The signal is the run's. */
  readonly open: (signal: AbortSignal) => Promise<OpenTracker>;
  readonly limits?: Partial<GuardLimits>;
}

type Entry = {
  readonly kind: 'metrics' | 'trajectories';
  readonly tell: (tracker: OpenTracker) => Promise<void>;
};

/**
 * Tells a tracker behind the back of the run: calls return at once and never fail, what cannot be told yet waits in a bounded
 * queue and is tried again, what cannot be told at all is dropped, counted and warned of. Order is kept.
 */
export class GuardedTracker implements OpenTracker {
  readonly #options: GuardedTrackerOptions;
  readonly #limits: GuardLimits;
  readonly #runSignal: AbortSignal;
  readonly #queue: Entry[] = [];
  /** Aborts when nothing more is to be tried. */
  readonly #stop = new AbortController();
  /** Aborts when the run is over: pauses are short from here on. */
  readonly #hurry = new AbortController();
  #tracker: OpenTracker | undefined;
  #working: Promise<void> | undefined;
  #closing: Promise<void> | undefined;
  #refusals = 0;
  #dropped = 0;
  #isUnreachable = false;

  private constructor(options: GuardedTrackerOptions, runSignal: AbortSignal) {
    this.#options = options;
    this.#runSignal = runSignal;
    this.#limits = { ...usualLimits, ...options.limits };
  }

  /** Opens the tracker, or says in a note that it cannot be reached yet; throws ConfigError when it never can. */
  static async open(
    options: GuardedTrackerOptions,
    signal: AbortSignal,
  ): Promise<{ readonly tracker: GuardedTracker; readonly note?: string }> {
    const guarded = new GuardedTracker(options, signal);
    try {
      guarded.#tracker = await options.open(signal);
      return { tracker: guarded };
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof ConfigError) throw error;
      if (!isRetryable(error)) {
        throw new ConfigError(`tracker ${options.name} cannot be opened: ${textOf(error)}`, { cause: error });
      }
      return { tracker: guarded, note: `tracker ${options.name} is not there yet, tried again: ${textOf(error)}` };
    }
  }

  /** Calls that were dropped so far. */
  get dropped(): number {
    return this.#dropped;
  }

  async log(step: number, metrics: Metrics): Promise<void> {
    this.#enqueue({ kind: 'metrics', tell: (tracker) => tracker.log(step, metrics) });
  }

  async trajectories(step: number, split: 'train' | 'eval', groups: readonly TrajectoryGroup[]): Promise<void> {
    this.#enqueue({ kind: 'trajectories', tell: (tracker) => tracker.trajectories(step, split, groups) });
  }

  finish(): void {
    this.#enqueue({ kind: 'metrics', tell: async (tracker) => tracker.finish?.() });
  }

  /** Tells what waits, as long as that may take, and closes the tracker. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing ??= this.#close();
    await this.#closing;
  }

  #enqueue(entry: Entry): void {
    if (this.#stop.signal.aborted) {
      this.#dropped++;
      return;
    }
    this.#queue.push(entry);
    if (this.#queue.filter(({ kind }) => kind === 'trajectories').length > this.#limits.maxQueuedTrajectories) {
      this.#drop(this.#queue.findIndex(({ kind }) => kind === 'trajectories'));
    }
    if (this.#queue.length > this.#limits.maxQueued) this.#drop(0);
    this.#working ??= this.#work();
  }

  async #work(): Promise<void> {
    for (let entry = this.#queue.shift(); entry !== undefined; entry = this.#queue.shift()) {
      await this.#deliver(entry);
    }
    this.#working = undefined;
  }

  /** Ends when the entry was told or dropped. */
  async #deliver(entry: Entry): Promise<void> {
    for (let pauseMs = this.#limits.backoffMs; ; pauseMs = Math.min(2 * pauseMs, this.#limits.maxBackoffMs)) {
      const result = this.#stop.signal.aborted ? { isRetryable: false } : await this.#try(entry);
      if (result === 'told') return;
      if (result.isRetryable) await this.#pause(pauseMs);
      else {
        this.#dropped++;
        return;
      }
    }
  }

  async #pause(pauseMs: number): Promise<void> {
    if (this.#hurry.signal.aborted) await pause(this.#limits.backoffMs, this.#stop.signal);
    else await pause(pauseMs, this.#hurry.signal);
  }

  async #try({ tell }: Entry): Promise<'told' | { readonly isRetryable: boolean }> {
    using deadline = new Deadline(this.#stop.signal, this.#limits.callTimeoutMs);
    try {
      await untilAborted(this.#tell(tell), deadline.signal);
    } catch (error) {
      return this.#fail(error, deadline.isExpired);
    }
    this.#refusals = 0;
    if (this.#isUnreachable) log('warn', 'tracker_is_back', { tracker: this.#options.name, dropped: this.#dropped });
    this.#isUnreachable = false;
    return 'told';
  }

  async #tell(tell: Entry['tell']): Promise<void> {
    this.#tracker ??= await this.#options.open(this.#runSignal);
    await tell(this.#tracker);
  }

  #fail(error: unknown, isHanging: boolean): { readonly isRetryable: boolean } {
    if (this.#stop.signal.aborted) return { isRetryable: false };
    const fields = { tracker: this.#options.name, reason: textOf(error) };
    if (this.#tracker === undefined && this.#runSignal.aborted) {
      this.#stop.abort(this.#runSignal.reason);
      return { isRetryable: false };
    }
    if (isHanging) {
      this.#giveUp({ ...fields, reason: `does not answer within ${this.#limits.callTimeoutMs} ms` });
      return { isRetryable: false };
    }
    if (isRetryable(error)) {
      if (!this.#isUnreachable) log('warn', 'tracker_unreachable', { ...fields, maxQueued: this.#limits.maxQueued });
      this.#isUnreachable = true;
      return { isRetryable: true };
    }
    this.#refusals++;
    if (this.#refusals === 1) log('warn', 'tracker_refused', { ...fields, dropped: this.#dropped + 1 });
    if (this.#refusals >= this.#limits.maxRefusals) this.#giveUp(fields);
    return { isRetryable: false };
  }

  #giveUp(fields: { readonly tracker: string; readonly reason: string }): void {
    log('warn', 'tracker_given_up', fields);
    this.#stop.abort(new Error('the tracker was given up'));
  }

  #drop(index: number): void {
    this.#queue.splice(index, 1);
    this.#dropped++;
    if (this.#dropped === 1) log('warn', 'tracker_queue_full', { tracker: this.#options.name, dropped: 1 });
  }

  async #close(): Promise<void> {
    const { flushTimeoutMs, closeTimeoutMs } = this.#limits;
    this.#hurry.abort(new Error('the tracker is being closed'));
    const flush = setTimeout(() => this.#stop.abort(new Error('no time is left')), flushTimeoutMs);
    await this.#working;
    clearTimeout(flush);
    this.#stop.abort(new Error('the tracker is closed'));
    using deadline = new Deadline(new AbortController().signal, closeTimeoutMs);
    const name = this.#options.name;
    try {
      await untilAborted(Promise.resolve(this.#tracker?.[Symbol.asyncDispose]()), deadline.signal);
    } catch (error) {
      log('warn', 'tracker_close_failed', { tracker: name, reason: textOf(error) });
    }
    if (this.#dropped > 0) log('warn', 'tracker_dropped', { tracker: name, calls: this.#dropped });
  }
}

function isRetryable(error: unknown): boolean {
  return error instanceof InfrastructureError && error.retryable;
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Ends early when the signal aborts. */
async function pause(timeoutMs: number, signal: AbortSignal): Promise<void> {
  let end: () => void = () => {};
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  const timer = setTimeout(end, timeoutMs);
  using _listening = onAbort(signal, end);
  await ended;
  clearTimeout(timer);
}
