import { stat } from 'node:fs/promises';
import { ConfigError } from '../../errors.js';

export interface ResolveOptions {
  /** HF_HOME, HF_TOKEN, HF_ENDPOINT, HF_HUB_OFFLINE and MODELSCOPE_* are read from it. */
  readonly env: NodeJS.ProcessEnv;
  /** Told of files that are downloaded: bytes so far of so many. */
  onProgress?(file: string, doneBytes: number, totalBytes: number): void;
}

/** A path on this machine for what a person calls a model; throws ConfigError when there is none. */
export async function resolveModel(name: string, _options: ResolveOptions, signal: AbortSignal): Promise<string> {
  signal.throwIfAborted();
  const stats = await stat(name).catch(() => undefined);
  if (stats !== undefined) return name;
  throw new ConfigError(`there is no model ${name}`);
}
