import { ConfigError } from '../core/errors.js';
import type { WrittenDtype } from '../core/model/safetensors/float-formats.js';
import { formatOf, type ModelFormat, matrixDtype, writeModel } from '../core/model/write-model.js';
import { ByteProgress, watchedFiles } from './byte-progress.js';
import type { Io } from './command-context.js';
import { type NamedModel, openNamedModel } from './open-named-model.js';

export interface ExportRequest extends NamedModel {
  readonly path: string;
  /** Seen from the path when left out. */
  readonly format?: ModelFormat;
  /** `source`: that of the model's matrices where all have one, else BF16. */
  readonly dtype: WrittenDtype | 'source';
}

/** Writes a model, or the newest checkpoint of a run, for other programs to load, adapters merged. Returns what was written. */
export async function exportModel(
  { path, format = formatOf(path), dtype, ...named }: ExportRequest,
  io: Pick<Io, 'stderr' | 'env'>,
  signal: AbortSignal,
): Promise<{ readonly format: ModelFormat; readonly dtype: WrittenDtype }> {
  if (format !== formatOf(path)) throw new ConfigError(wrongName(path, format));
  await using files = await openNamedModel(named, io, signal);
  using progress = new ByteProgress(io);
  const written = { format, dtype: dtype === 'source' ? (matrixDtype(files) ?? 'BF16') : dtype };
  await writeModel(watchedFiles(files, progress, `writing ${path}`), { path, ...written }, signal);
  return written;
}

function wrongName(path: string, format: ModelFormat): string {
  return format === 'gguf'
    ? `a GGUF file is found by its name: write ${path}.gguf instead of ${path}`
    : `${path} names a GGUF file, --format safetensors writes a directory: leave out one of the two`;
}
