import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Trainer } from '../../core/types.js';
import { readTensors } from './safetensors-files.js';
import { never, temporaryDirectory } from './tiny-policy.js';

export type ValuesByName = ReadonlyMap<string, Float32Array>;

/** One model of a trainer: its weights, which adapters have by PEFT's names, and both moments of its optimizer, by the weights' names. */
export interface SavedModel {
  readonly weights: ValuesByName;
  readonly first: ValuesByName;
  readonly second: ValuesByName;
}

/** What a checkpoint written now would hold of a model. */
export async function savedModel(trainer: Trainer, name = ''): Promise<SavedModel> {
  await using directory = await temporaryDirectory();
  await trainer.save(directory.path, never);
  const values = async (file: string): Promise<ValuesByName> => {
    const tensors = await readTensors(join(directory.path, `${file}.safetensors`));
    return new Map([...tensors].map(([key, { values }]) => [key, values]));
  };
  const moments = await values(name === '' ? 'optimizer' : `${name}_optimizer`);
  const own = existsSync(join(directory.path, 'adapter_model.safetensors')) ? 'adapter_model' : 'model';
  return { weights: await values(name || own), first: below('first.', moments), second: below('second.', moments) };
}

/** The gradient of a first update with β1 = 0.9, which its first moments hold a tenth of. */
export async function firstGradient(trainer: Trainer, name = ''): Promise<ValuesByName> {
  const { first } = await savedModel(trainer, name);
  return new Map([...first].map(([key, values]) => [key, values.map((value) => value * 10)]));
}

/** All values in one list. */
export function flat(values: ValuesByName): number[] {
  return [...values.values()].flatMap((own) => [...own]);
}

function below(prefix: string, values: ValuesByName): ValuesByName {
  return new Map(
    [...values].flatMap(([name, own]) => (name.startsWith(prefix) ? [[name.slice(prefix.length), own]] : [])),
  );
}
