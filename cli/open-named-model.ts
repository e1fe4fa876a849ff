import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { latestCheckpoint } from '../core/checkpoint.js';
import { ConfigError } from '../core/errors.js';
import { mergedFiles } from '../core/model/lora/merged-files.js';
import type { ModelFiles } from '../core/model/model-files.js';
import { openModel } from '../core/model/open-model.js';
import type { Io } from './command-context.js';
import { DownloadProgress } from './download-progress.js';

export interface NamedModel {
  /** What `openModel` takes, or the directory of a run, whose newest checkpoint is meant. */
  readonly model: string;
  /** Directory of a PEFT adapter, or of a run that trained one, to merge into the model. */
  readonly adapter?: string;
}

/** Opens a model by the words of a command line, showing its download where there is one; throws ConfigError when there is none. */
export async function openNamedModel(
  { model, adapter }: NamedModel,
  io: Pick<Io, 'stderr' | 'env'>,
  signal: AbortSignal,
): Promise<ModelFiles> {
  using download = new DownloadProgress({ io }, { isQuiet: false });
  const options = { env: io.env, onProgress: download.onProgress };
  const files = await openModel(await checkpointOf(model), options, signal);
  if (adapter === undefined) return files;
  try {
    return await mergedFiles(files, await checkpointOf(adapter), signal);
  } catch (error) {
    await files[Symbol.asyncDispose]();
    throw error;
  }
}

/** The newest checkpoint where the name is that of a run, else the name. */
async function checkpointOf(name: string): Promise<string> {
  const entries = await readdir(name).catch((): string[] => []);
  if (!entries.includes('config.yaml') || entries.includes('config.json')) return name;
  const newest = await latestCheckpoint(join(name, 'checkpoints'));
  if (newest !== undefined) return newest;
  throw new ConfigError(
    `the run ${name} has no checkpoint yet: name another run, or wait for its first (trainer.saveFreq)`,
  );
}
