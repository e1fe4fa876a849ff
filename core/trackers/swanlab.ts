import { mkdir } from 'node:fs/promises';
import { hostname, platform, release } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { z } from 'zod';
import { ConfigError } from '../errors.js';
import { log } from '../log.js';
import type { Json, Metrics } from '../types.js';
import { writeAtomically } from '../write-atomically.js';
import { findOfflineRun, offlineRunId, offlineRunTime } from './offline-run.js';
import { disposedOnError, RecordLog } from './record-log.js';
import {
  columnRecord,
  finishRecord,
  readSwanlabRecord,
  type SwanlabRun,
  saveRecord,
  scalarRecord,
  startRecord,
  swanlabMagic,
} from './swanlab/records.js';
import type { OpenTracker, TrackerContext } from './tracker-context.js';

const text = z.string().min(1).max(512).optional();

export const swanlabSettings = z.strictObject({
  name: z.literal('swanlab'),
  workspace: z
    .string()
    .regex(/^[\w-]{1,25}$/)
    .optional()
    .describe('user or organisation the run belongs to; yours when left out'),
  description: z.string().min(1).max(1024).optional().describe('a longer description'),
  group: text.describe('runs of one group are shown together'),
  jobType: text.describe('what the run does, such as train'),
  tags: z.array(z.string().min(1).max(512)).default([]).describe('labels to find the run by'),
});
export type SwanlabSettings = z.output<typeof swanlabSettings>;

const PREFIX = 'run-';

/**
 * Keeps the run as SwanLab's offline mode does, in `<run>/swanlog/run-<time>-<id>`; `swanlab sync` uploads it.
 * A resumed run goes on in the same file, without the later steps. Trajectories stay in the run's own records.
 * Throws ConfigError when SwanLab refuses the project's name.
 */
export async function openSwanlab(
  settings: SwanlabSettings,
  context: TrackerContext,
  signal: AbortSignal,
): Promise<OpenTracker> {
  signal.throwIfAborted();
  refuseBadProject(context.projectName);
  const id = offlineRunId(context);
  const { name: _, ...shown } = settings;
  const run = { ...shown, id, project: context.projectName, name: context.runName, startedAt: context.startedAt };
  const root = join(context.directory, 'swanlog');
  const { resumedAt } = context;
  const found = resumedAt === undefined ? undefined : await findOfflineRun(root, PREFIX, id);
  const directory = join(root, found ?? `${PREFIX}${offlineRunTime(context.startedAt)}-${id}`);
  const files = await writeFiles(join(directory, 'files'), context.config);
  const path = join(directory, `run-${id}.swanlab`);
  const { records, ...known } = found === undefined ? await start(path, run) : await resume(path, resumedAt ?? 0);
  return disposedOnError(records, async () => {
    const now = new Date();
    await records.append([saveRecord('metadata', files.metadata, now), saveRecord('config', files.config, now)]);
    return new SwanlabTracker(records, known, signal);
  });
}

/** A file at some point of a run: the last number that was given out, and the metrics that are known. */
interface Known {
  num: number;
  readonly keys: Set<string>;
}

async function start(path: string, run: SwanlabRun): Promise<Known & { records: RecordLog }> {
  const records = await RecordLog.create(path, swanlabMagic);
  return disposedOnError(records, async () => {
    await records.append([startRecord(run, new Date())]);
    return { records, num: 0, keys: new Set() };
  });
}

async function resume(path: string, resumedAt: number): Promise<Known & { records: RecordLog }> {
  const known: Known = { num: 0, keys: new Set() };
  const records = await RecordLog.reopen(path, (bytes) => {
    const record = readSwanlabRecord(bytes);
    if (record.kind === 'finish' || (record.kind === 'scalar' && record.step > resumedAt)) return false;
    if (record.kind === 'column') known.keys.add(record.key);
    known.num = Math.max(known.num, record.num);
    return true;
  });
  return { records, ...known };
}

/** What the service shows as config and as environment; says nothing of the command line, which may hold secrets. */
async function writeFiles(directory: string, config: Json): Promise<{ config: string; metadata: string }> {
  const paths = { config: join(directory, 'config.yaml'), metadata: join(directory, 'swanlab-metadata.json') };
  const object = typeof config === 'object' && config !== null && !Array.isArray(config) ? config : { config };
  const entries = Object.entries(object).map(([key, value], sort) => [key, { value, desc: '', sort }]);
  const runtime = { os: `${platform()}-${release()}`, hostname: hostname(), pid: process.pid, cwd: process.cwd() };
  await mkdir(directory, { recursive: true });
  await writeAtomically(paths.config, stringify(Object.fromEntries(entries)));
  await writeAtomically(paths.metadata, JSON.stringify({ _version: 2, runtime }));
  return paths;
}

/** Writes one scalar a number. Calls are made one at a time by one owner. */
class SwanlabTracker implements OpenTracker {
  readonly #records: RecordLog;
  readonly #keys: Set<string>;
  readonly #signal: AbortSignal;
  #num: number;
  #isFinished = false;
  #isDisposed = false;

  constructor(records: RecordLog, { num, keys }: Known, signal: AbortSignal) {
    this.#records = records;
    this.#num = num;
    this.#keys = keys;
    this.#signal = signal;
  }

  async log(step: number, metrics: Metrics): Promise<void> {
    const now = new Date();
    const records: Uint8Array[] = [];
    const keys = new Set<string>();
    let num = this.#num;
    for (const [key, value] of Object.entries(metrics)) {
      if (!this.#keys.has(key)) records.push(columnRecord(++num, key, now));
      records.push(scalarRecord(++num, { key, step, value }, now));
      keys.add(key);
    }
    await this.#records.append(records);
    this.#num = num;
    for (const key of keys) this.#keys.add(key);
  }

  async trajectories(): Promise<void> {}

  finish(): void {
    this.#isFinished = true;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isDisposed) return;
    this.#isDisposed = true;
    try {
      await using records = this.#records;
      await records.append([this.#end()]);
    } catch (error) {
      log('warn', 'swanlab_not_ended', { error: String(error) });
    }
  }

  #end(): Uint8Array {
    const { aborted, reason } = this.#signal;
    if (this.#isFinished) return finishRecord('finished', '', new Date());
    if (aborted) return finishRecord('aborted', String(reason), new Date());
    return finishRecord('crashed', 'the run failed; its own log says why', new Date());
  }
}

function refuseBadProject(name: string): void {
  if (/^[\w\-+.]{1,100}$/.test(name)) return;
  throw new ConfigError(`swanlab takes no project "${name}": write at most 100 letters, digits and _ - + .`);
}
