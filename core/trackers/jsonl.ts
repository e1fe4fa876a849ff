import { appendFile, mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { z } from 'zod';
import { ConfigError } from '../errors.js';
import type { RunDirectory } from '../run-directory.js';
import type { Metrics, TrajectoryGroup } from '../types.js';
import { writeAtomically } from '../write-atomically.js';
import {
  type MetricsRecord,
  metricsLine,
  metricsRecord,
  type ReadableTracker,
  type TrackedSplit,
  type TrajectoryRecord,
  trajectoryLines,
  trajectoryRecord,
} from './record.js';

/** Keeps metrics and trajectories as JSON lines in the run's directory; another process may read while it writes. */
export class JsonlTracker implements ReadableTracker {
  readonly #metricsPath: string;
  readonly #trajectoriesPath: string;

  constructor(directory: Pick<RunDirectory, 'metricsPath' | 'trajectoriesPath'>) {
    this.#metricsPath = directory.metricsPath;
    this.#trajectoriesPath = directory.trajectoriesPath;
  }

  async log(step: number, metrics: Metrics): Promise<void> {
    await mkdir(dirname(this.#metricsPath), { recursive: true });
    await appendFile(this.#metricsPath, `${metricsLine(step, metrics)}\n`);
  }

  async trajectories(step: number, split: TrackedSplit, groups: readonly TrajectoryGroup[]): Promise<void> {
    const lines = trajectoryLines(step, split, groups);
    await writeAtomically(this.#pathOf(split, step), lines.map((line) => `${line}\n`).join(''));
  }

  async readMetrics(): Promise<MetricsRecord[]> {
    return readLines(this.#metricsPath, metricsRecord);
  }

  async readTrajectories(split: TrackedSplit, step: number): Promise<TrajectoryRecord[]> {
    return readLines(this.#pathOf(split, step), trajectoryRecord);
  }

  async trajectorySteps(split: TrackedSplit): Promise<number[]> {
    const files = await this.#trajectoryFiles();
    return files
      .filter((file) => file.split === split)
      .map((file) => file.step)
      .sort((a, b) => a - b);
  }

  async resumeAt(step: number): Promise<void> {
    const kept = (await this.readMetrics()).filter((record) => record.step <= step);
    await writeAtomically(
      this.#metricsPath,
      kept.map((record) => `${metricsLine(record.step, record.data)}\n`).join(''),
    );
    for (const file of await this.#trajectoryFiles()) {
      if (file.step > step) await rm(this.#pathOf(file.split, file.step));
    }
  }

  async #trajectoryFiles(): Promise<{ split: TrackedSplit; step: number }[]> {
    const names = await orIfMissing(readdir(this.#trajectoriesPath), []);
    return names.flatMap((name) => {
      const [, split, step] = /^(train|eval)-(\d+)\.jsonl$/.exec(name) ?? [];
      return split === 'train' || split === 'eval' ? [{ split, step: Number(step) }] : [];
    });
  }

  #pathOf(split: TrackedSplit, step: number): string {
    return join(this.#trajectoriesPath, `${split}-${step}.jsonl`);
  }
}

/** The file's records; a last line without its line break was cut off by a crash and is left out. */
async function readLines<Schema extends z.ZodType>(path: string, schema: Schema): Promise<z.output<Schema>[]> {
  const text = await orIfMissing(readFile(path, 'utf8'), '');
  const lines = text.split('\n').slice(0, -1);
  return lines.map((line, index) => parseLine(line, schema, `${path}:${index + 1}`));
}

function parseLine<Schema extends z.ZodType>(line: string, schema: Schema, place: string): z.output<Schema> {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (cause) {
    throw new ConfigError(`${place} is not JSON; was the file edited?`, { cause });
  }
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw new ConfigError(`${place} is not a record of a run: ${issue?.path.join('.')}: ${issue?.message}`);
}

async function orIfMissing<Value>(work: Promise<Value>, fallback: Value): Promise<Value> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return fallback;
    throw error;
  }
}
