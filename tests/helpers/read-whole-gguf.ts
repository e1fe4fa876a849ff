import { openGgufModel } from '../../core/model/gguf/gguf-model.js';
import { openGguf } from '../../core/model/gguf/read-gguf.js';

/** Reads every value that a GGUF file has, as a file and as a model; throws what reading throws first. */
export async function readWholeGguf(path: string, signal: AbortSignal): Promise<void> {
  {
    await using file = await openGguf(path, signal);
    for (const name of file.tensors.keys()) await file.read(name, signal);
  }
  await using model = await openGgufModel(path, signal);
  for (const name of model.tensors.keys()) await model.read(name, signal);
}
