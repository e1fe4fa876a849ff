import { z } from 'zod';
import { log } from '../log.js';
import type { Metrics } from '../types.js';
import { MlflowClient, mlflowServer } from './mlflow/client.js';
import { mlflowName } from './mlflow/params.js';
import { beginRun, endRun, type MlflowRun } from './mlflow/runs.js';
import type { OpenTracker, TrackerContext } from './tracker-context.js';

export const mlflowSettings = z.strictObject({ name: z.literal('mlflow') });
export type MlflowSettings = z.output<typeof mlflowSettings>;

const maxMetrics = 1000;

/**
 * Begins a run on the MLflow server that MLFLOW_TRACKING_URI names, in the experiment called as the project; a resumed run
 * goes on with its own. Throws ConfigError when there is no such server in the environment or it wants another login.
 */
export async function openMlflow(
  _settings: MlflowSettings,
  context: TrackerContext,
  signal: AbortSignal,
): Promise<OpenTracker> {
  const client = new MlflowClient(mlflowServer(context.env));
  try {
    return new MlflowTracker(client, await beginRun(client, context, signal), signal);
  } catch (error) {
    await client[Symbol.asyncDispose]();
    throw error;
  }
}

/** Tells an MLflow server; what it was told before, by an earlier session of the run, it is not told again. */
class MlflowTracker implements OpenTracker {
  readonly #client: MlflowClient;
  readonly #run: MlflowRun;
  readonly #signal: AbortSignal;
  /** The server knows a repeated metric by its time: a call that is tried again must have the first one's. */
  readonly #times = new WeakMap<Metrics, number>();
  #isFinished = false;
  #isOpen = true;

  constructor(client: MlflowClient, run: MlflowRun, signal: AbortSignal) {
    this.#client = client;
    this.#run = run;
    this.#signal = signal;
  }

  async log(step: number, metrics: Metrics): Promise<void> {
    const timestamp = this.#times.get(metrics) ?? Date.now();
    this.#times.set(metrics, timestamp);
    const all = Object.entries(metrics).map(([name, value]) => ({ key: mlflowName(name), value: jsonNumber(value) }));
    const fresh = all.filter(({ key }) => step > (this.#run.told.get(key) ?? -1));
    for (let start = 0; start < fresh.length; start += maxMetrics) {
      const batch = fresh.slice(start, start + maxMetrics);
      await this.#tell(batch.map((metric) => ({ ...metric, timestamp, step })));
    }
  }

  /** Episodes stay in the run's directory. */
  async trajectories(): Promise<void> {}

  finish(): void {
    this.#isFinished = true;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    const status = this.#isFinished ? 'FINISHED' : this.#signal.aborted ? 'KILLED' : 'FAILED';
    await using client = this.#client;
    try {
      await endRun(client, { id: this.#run.id, status }, new AbortController().signal);
    } catch (error) {
      log('warn', 'mlflow_run_left_open', { run: this.#run.id, reason: String(error) });
    }
  }

  async #tell(metrics: readonly object[]): Promise<void> {
    const body = { run_id: this.#run.id, metrics };
    const call = { method: 'POST', path: 'runs/log-batch', body, answer: z.unknown(), timeoutMs: 60_000 } as const;
    await this.#client.call(call, new AbortController().signal);
  }
}

/** Protobuf's JSON has words for what is no number. */
function jsonNumber(value: number): number | string {
  return Number.isFinite(value) ? value : String(value);
}
