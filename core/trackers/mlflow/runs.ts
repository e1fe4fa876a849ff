import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { ConfigError } from '../../errors.js';
import type { Json } from '../../types.js';
import { writeAtomically } from '../../write-atomically.js';
import type { TrackerContext } from '../tracker-context.js';
import { type MlflowClient, MlflowRefusal } from './client.js';
import { toParams } from './params.js';

/** A run of an MLflow server. */
export interface MlflowRun {
  readonly id: string;
  /** The last step of each metric, by MLflow's names, that it holds already. */
  readonly told: ReadonlyMap<string, number>;
}

const fileSchema = z.object({ url: z.string(), runId: z.string() });
const runInfo = z.object({ run_id: z.string(), lifecycle_stage: z.string() });
/** The server's JSON leaves empty lists out, and writes an int64 as text or as a number. */
const runSchema = z.object({
  run: z.object({
    info: runInfo,
    data: z
      .object({
        metrics: z.array(z.object({ key: z.string(), step: z.coerce.number().default(0) })).default([]),
        params: z.array(z.object({ key: z.string() })).default([]),
      })
      .prefault({}),
  }),
});
const experimentSchema = z.object({
  experiment: z.object({ experiment_id: z.string(), lifecycle_stage: z.string() }),
});

const maxParams = 100;

/** The MLflow run of this run: the earlier one where a resumed run has one there, else a new one; its params are the config. */
export async function beginRun(client: MlflowClient, context: TrackerContext, signal: AbortSignal): Promise<MlflowRun> {
  const earlier = context.resumedAt === undefined ? undefined : await earlierRun(client, context.directory, signal);
  const { run } = earlier ?? (await newRun(client, context, signal));
  if (earlier !== undefined) {
    const body = { run_id: run.info.run_id, status: 'RUNNING' };
    await client.call({ method: 'POST', path: 'runs/update', body, answer: z.unknown() }, signal);
  }
  const known = new Set(run.data.params.map(({ key }) => key));
  await tellParams(client, { id: run.info.run_id, config: context.config, known }, signal);
  return { id: run.info.run_id, told: new Map(run.data.metrics.map(({ key, step }) => [key, step])) };
}

/** Ends the run; takes a few seconds at most. */
export async function endRun(
  client: MlflowClient,
  { id, status }: { readonly id: string; readonly status: 'FINISHED' | 'FAILED' | 'KILLED' },
  signal: AbortSignal,
): Promise<void> {
  const body = { run_id: id, status, end_time: Date.now() };
  await client.call({ method: 'POST', path: 'runs/update', body, answer: z.unknown(), timeoutMs: 4_000 }, signal);
}

async function newRun(client: MlflowClient, context: TrackerContext, signal: AbortSignal) {
  const { directory, projectName, runName, startedAt } = context;
  const body = {
    experiment_id: await experimentId(client, projectName, signal),
    run_name: runName,
    start_time: startedAt.getTime(),
    tags: [
      { key: 'mlflow.runName', value: runName },
      { key: 'mlflow.source.name', value: 'verlet' },
    ],
  };
  const created = await client.call({ method: 'POST', path: 'runs/create', body, answer: runSchema }, signal);
  const record = { url: client.url, runId: created.run.info.run_id };
  await writeAtomically(pathOf(directory), `${JSON.stringify(record)}\n`);
  return created;
}

/** Undefined where none was begun, it was on another server, or somebody deleted it. */
async function earlierRun(client: MlflowClient, directory: string, signal: AbortSignal) {
  const record = await readRecord(pathOf(directory));
  if (record === undefined || record.url !== client.url) return undefined;
  const path = `runs/get?run_id=${encodeURIComponent(record.runId)}`;
  const found = await orIfMissing(client.call({ method: 'GET', path, answer: runSchema }, signal));
  return found?.run.info.lifecycle_stage === 'active' ? found : undefined;
}

async function experimentId(client: MlflowClient, name: string, signal: AbortSignal): Promise<string> {
  const found = await findExperiment(client, name, signal);
  if (found !== undefined) return found;
  const answer = z.object({ experiment_id: z.string() });
  try {
    const created = await client.call({ method: 'POST', path: 'experiments/create', body: { name }, answer }, signal);
    return created.experiment_id;
  } catch (error) {
    if (!(error instanceof MlflowRefusal) || error.errorCode !== 'RESOURCE_ALREADY_EXISTS') throw error;
    const others = await findExperiment(client, name, signal); // another run made it between the two calls
    if (others === undefined) throw error;
    return others;
  }
}

async function findExperiment(client: MlflowClient, name: string, signal: AbortSignal): Promise<string | undefined> {
  const path = `experiments/get-by-name?experiment_name=${encodeURIComponent(name)}`;
  const found = await orIfMissing(client.call({ method: 'GET', path, answer: experimentSchema }, signal));
  if (found === undefined) return undefined;
  const { experiment_id: id, lifecycle_stage: stage } = found.experiment;
  if (stage === 'active') return id;
  throw new ConfigError(
    `tracker mlflow: experiment "${name}" was deleted on ${client.url}; restore it, or name another`,
  );
}

/** Parameters cannot be changed: of a run that is taken up only the missing ones are told. */
async function tellParams(
  client: MlflowClient,
  { id, config, known }: { readonly id: string; readonly config: Json; readonly known: ReadonlySet<string> },
  signal: AbortSignal,
): Promise<void> {
  const missing = new Map(toParams(config).map((param) => [param.key, param]));
  for (const key of known) missing.delete(key);
  const params = [...missing.values()];
  for (let start = 0; start < params.length; start += maxParams) {
    const body = { run_id: id, params: params.slice(start, start + maxParams) };
    await client.call({ method: 'POST', path: 'runs/log-batch', body, answer: z.unknown() }, signal);
  }
}

function pathOf(directory: string): string {
  return join(directory, 'mlflow.json');
}

/** Undefined where the file is missing or is not what was written: a tracker's note is no reason to stop a run. */
async function readRecord(path: string): Promise<z.output<typeof fileSchema> | undefined> {
  try {
    return fileSchema.safeParse(JSON.parse(await readFile(path, 'utf8'))).data;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

async function orIfMissing<Found>(work: Promise<Found>): Promise<Found | undefined> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof MlflowRefusal && error.errorCode === 'RESOURCE_DOES_NOT_EXIST') return undefined;
    throw error;
  }
}
