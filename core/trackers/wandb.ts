import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { ConfigError } from '../errors.js';
import { log } from '../log.js';
import type { Metrics } from '../types.js';
import { findOfflineRun, offlineRunId, offlineRunTime } from './offline-run.js';
import { disposedOnError, RecordLog } from './record-log.js';
import type { OpenTracker, TrackerContext } from './tracker-context.js';
import {
  configRecord,
  environmentRecord,
  exitRecord,
  headerRecord,
  historyRecord,
  readWandbRecord,
  runRecord,
  summaryRecord,
  type WandbRow,
  type WandbRun,
  wandbMagic,
} from './wandb/records.js';

export const wandbSettings = z.strictObject({
  name: z.literal('wandb'),
  entity: z.string().min(1).optional().describe('user or team the run belongs to; yours when left out'),
  group: z.string().min(1).optional().describe('runs of one group are shown together'),
  jobType: z.string().min(1).optional().describe('what the run does, such as train'),
  notes: z.string().min(1).optional().describe('a longer description'),
  tags: z.array(z.string().min(1)).default([]).describe('labels to find the run by'),
});
export type WandbSettings = z.output<typeof wandbSettings>;

const PREFIX = 'offline-run-';

/**
 * Keeps the run as Weights & Biases' offline mode does, in `<run>/wandb/offline-run-<time>-<id>`; `wandb sync` uploads it.
 * A resumed run goes on in the same file, without the later steps. Trajectories stay in the run's own records.
 * Throws ConfigError when W&B refuses the project's name.
 */
export async function openWandb(
  settings: WandbSettings,
  context: TrackerContext,
  signal: AbortSignal,
): Promise<OpenTracker> {
  signal.throwIfAborted();
  refuseBadProject(context.projectName);
  const id = offlineRunId(context);
  const { name: _, ...shown } = settings;
  const { projectName: project, runName: name, config, startedAt, resumedAt } = context;
  const run = { ...shown, id, project, name, config, startedAt };
  const root = join(context.directory, 'wandb');
  const found = resumedAt === undefined ? undefined : await findOfflineRun(root, PREFIX, id);
  return found === undefined || resumedAt === undefined
    ? start(run, join(root, `${PREFIX}${offlineRunTime(startedAt)}-${id}`))
    : resume(run, join(root, found), resumedAt);
}

async function start(run: WandbRun, directory: string): Promise<WandbTracker> {
  const records = await RecordLog.create(join(directory, `run-${run.id}.wandb`), wandbMagic);
  return disposedOnError(records, async () => {
    await mkdir(join(directory, 'files'), { recursive: true });
    await records.append([headerRecord(1), runRecord(2, run), environmentRecord(3, run, directory)]);
    return new WandbTracker(records, { num: 3, startedAt: run.startedAt });
  });
}

async function resume(run: WandbRun, directory: string, resumedAt: number): Promise<WandbTracker> {
  const path = join(directory, `run-${run.id}.wandb`);
  let num = 0;
  let lastStep: number | undefined;
  let lastRow: WandbRow = new Map();
  const records = await RecordLog.reopen(path, (bytes) => {
    const record = readWandbRecord(bytes);
    if (record.kind === 'exit' || (record.kind === 'history' && record.step > resumedAt)) return false;
    if (record.kind === 'history') [lastStep, lastRow] = [record.step, record.row];
    if (record.kind === 'history' && record.step === resumedAt) return false; // is written again, to grow
    num = record.num;
    return true;
  });
  return disposedOnError(records, async () => {
    await rm(`${path}.synced`, { force: true }); // else `wandb sync` would pass over what is new
    await records.append([configRecord(num + 1, run.config)]);
    const startedAt = new Date(run.startedAt.getTime() - 1000 * (lastRow.get('_runtime') ?? 0));
    const tracker = new WandbTracker(records, { num: num + 1, startedAt });
    if (lastStep === resumedAt) await tracker.write(resumedAt, lastRow);
    return tracker;
  });
}

/** The history's last row, which grows as long as more is logged for its step. */
interface LastRow {
  readonly step: number;
  readonly values: WandbRow;
  /** Where its records begin in the file, and the number of the one before. */
  readonly position: number;
  readonly num: number;
}

/** Writes one row a step. Calls are made one at a time by one owner. */
class WandbTracker implements OpenTracker {
  readonly #records: RecordLog;
  readonly #startedAt: Date;
  /** Of the last record. */
  #num: number;
  #last: LastRow | undefined;
  #isFinished = false;
  #isDisposed = false;

  constructor(records: RecordLog, options: { num: number; startedAt: Date }) {
    this.#records = records;
    this.#num = options.num;
    this.#startedAt = options.startedAt;
  }

  async log(step: number, metrics: Metrics): Promise<void> {
    const now = Date.now() / 1000;
    const own = { _timestamp: now, _runtime: this.#runtime(), _step: step };
    await this.write(step, new Map(Object.entries({ ...metrics, ...own })));
  }

  async trajectories(): Promise<void> {}

  finish(): void {
    this.#isFinished = true;
  }

  /** Adds the row, or to the last row where that is of the same step. */
  async write(step: number, row: WandbRow): Promise<void> {
    const last = this.#last?.step === step ? this.#last : undefined;
    const values = new Map([...(last?.values ?? []), ...row]);
    const num = last?.num ?? this.#num;
    const both = [historyRecord(num + 1, step, values), summaryRecord(num + 2, values)];
    const position = await this.#records.append(both, last?.position);
    this.#num = num + 2;
    this.#last = { step, values, position, num };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isDisposed) return;
    this.#isDisposed = true;
    try {
      await using records = this.#records;
      await records.append([exitRecord(this.#num + 1, this.#isFinished ? 0 : 1, this.#runtime())]);
    } catch (error) {
      log('warn', 'wandb_not_ended', { error: String(error) });
    }
  }

  #runtime(): number {
    return (Date.now() - this.#startedAt.getTime()) / 1000;
  }
}

function refuseBadProject(name: string): void {
  if (name.length <= 128 && !/[/\\#?%:]/.test(name)) return;
  throw new ConfigError(
    `wandb takes no project "${name}": write a name of at most 128 characters without / \\ # ? % :`,
  );
}
