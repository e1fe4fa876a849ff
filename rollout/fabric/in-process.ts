import type { JobFabric, JobHandler, Json, SubmitOptions, WorkOptions } from '../../core/types.js';
import { retryDelayMs, runAttempt } from './attempt.js';
import { Remembered } from './remembered.js';
import { abandoned, shutDown } from './stops.js';
import { type Abandonment, closed, Waiters } from './waiters.js';

interface Job {
  readonly key: string;
  readonly kind: string;
  readonly id: string;
  readonly payload: string;
  readonly attempts: number;
  attempt: number;
  /** While a handler runs. */
  run?: AbortController;
  /** Between a failed attempt and the next. */
  retry?: NodeJS.Timeout;
}

interface Worker {
  readonly kind: string;
  readonly handler: JobHandler;
  readonly concurrency: number;
  readonly runs: Map<AbortController, Promise<void>>;
}

/** Finished jobs are remembered as long as their results fit into this many characters together. */
const rememberedChars = 64_000_000;

/** The fabric without any other process: first in, first out; nothing survives this process. */
export class InProcessFabric implements JobFabric {
  readonly #backoffMs: number;
  readonly #waiters = new Waiters();
  readonly #finished = new Remembered(rememberedChars);
  /** Every job that somebody waits for. */
  readonly #jobs = new Map<string, Job>();
  /** Those of them that wait for a worker, by kind. */
  readonly #queues = new Map<string, Set<Job>>();
  readonly #workers = new Set<Worker>();
  #isClosed = false;

  /** `backoffMs`: wait before the second attempt; doubles with each further one. */
  constructor(options: { readonly backoffMs?: number } = {}) {
    this.#backoffMs = options.backoffMs ?? 1000;
  }

  async submit(kind: string, payload: Json, options: SubmitOptions, signal: AbortSignal): Promise<Json> {
    if (this.#isClosed) throw closed();
    const key = JSON.stringify([kind, options.id]);
    const text = JSON.stringify(payload);
    const waiting = this.#waiters.join(
      key,
      {
        deadlineMs: options.deadlineMs,
        onAbandoned: (why) => this.#abandon(key, why),
      },
      signal,
    );
    const finished = this.#finished.get(key);
    if (finished !== undefined) this.#waiters.settle(key, finished);
    else if (!this.#jobs.has(key) && this.#waiters.has(key)) {
      this.#add({ key, kind, id: options.id, payload: text, attempts: options.attempts, attempt: 1 });
    }
    return await waiting;
  }

  work(kind: string, handler: JobHandler, options: WorkOptions): AsyncDisposable {
    if (this.#isClosed) throw closed();
    const worker: Worker = { kind, handler, concurrency: options.concurrency, runs: new Map() };
    this.#workers.add(worker);
    this.#pump(kind);
    return { [Symbol.asyncDispose]: () => this.#retire(worker) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    for (const job of this.#jobs.values()) {
      clearTimeout(job.retry);
      this.#waiters.reject(job.key, closed());
    }
    this.#jobs.clear();
    this.#queues.clear();
    this.#finished.clear();
    await Promise.all([...this.#workers].map((worker) => this.#retire(worker)));
  }

  #add(job: Job): void {
    this.#jobs.set(job.key, job);
    this.#enqueue(job);
  }

  #enqueue(job: Job): void {
    const queue = this.#queues.get(job.kind) ?? new Set<Job>();
    this.#queues.set(job.kind, queue.add(job));
    this.#pump(job.kind);
  }

  /** Starts waiting jobs of the kind on free workers. */
  #pump(kind: string): void {
    const queue = this.#queues.get(kind);
    for (const worker of this.#workers) {
      if (worker.kind !== kind) continue;
      for (const job of queue ?? []) {
        if (worker.runs.size >= worker.concurrency) break;
        queue?.delete(job);
        this.#start(worker, job);
      }
    }
  }

  #start(worker: Worker, job: Job): void {
    const run = new AbortController();
    job.run = run;
    worker.runs.set(run, this.#run(worker, job, run));
  }

  async #run(worker: Worker, job: Job, run: AbortController): Promise<void> {
    await null; // a handler never runs inside submit
    const ended = await runAttempt(worker.handler, JSON.parse(job.payload), { ...job, signal: run.signal });
    worker.runs.delete(run);
    delete job.run;
    if (this.#jobs.get(job.key) === job) {
      if (ended.end === 'finished') this.#finish(job, ended.record);
      else if (ended.end === 'retry') this.#retryLater(job);
      else this.#enqueue(job); // its worker was closed: no attempt is used up
    }
    if (this.#workers.has(worker)) this.#pump(worker.kind);
  }

  #finish(job: Job, record: string): void {
    this.#jobs.delete(job.key);
    this.#finished.set(job.key, record);
    this.#waiters.settle(job.key, record);
  }

  #retryLater(job: Job): void {
    const delayMs = retryDelayMs(job.attempt, this.#backoffMs);
    job.attempt++;
    job.retry = setTimeout(() => this.#enqueue(job), delayMs);
  }

  #abandon(key: string, why: Abandonment): void {
    const job = this.#jobs.get(key);
    if (job === undefined) return;
    this.#jobs.delete(key);
    this.#queues.get(job.kind)?.delete(job);
    clearTimeout(job.retry);
    job.run?.abort(abandoned(why));
  }

  async #retire(worker: Worker): Promise<void> {
    this.#workers.delete(worker);
    for (const run of worker.runs.keys()) run.abort(shutDown());
    await Promise.all(worker.runs.values());
  }
}
