import { cpSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ModelFiles } from '../../core/model/model-files.js';
import { openModelDirectory } from '../../core/model/safetensors/model-directory.js';
import { openSafetensors } from '../../core/model/safetensors/read-safetensors.js';
import { fixtureModel, textFiles } from '../helpers/model-directories.js';
import type { TemporaryFolder } from '../helpers/temporary-folder.js';
import { never } from '../helpers/tiny-policy.js';

/** A file that users bring, and what reads it. */
export interface FuzzedFormat {
  readonly name: string;
  /** Its part of the cases, for what takes long to read; 1 where it is not given. */
  readonly share?: number;
  /** Writes what is read into the folder; the path of the file in it that is to be damaged. */
  readonly prepare: (folder: TemporaryFolder) => string;
  /** Reads all of it. Throws ConfigError when it is damaged so that this shows. */
  readonly read: (path: string) => Promise<void>;
}

const floats = join(import.meta.dirname, '../fixtures/safetensors/floats.safetensors');

export const fuzzedFormats: readonly FuzzedFormat[] = [
  {
    name: 'safetensors',
    prepare: (folder) => {
      cpSync(floats, join(folder.path, 'floats.safetensors'));
      return join(folder.path, 'floats.safetensors');
    },
    read: async (path) => {
      await using file = await openSafetensors(path, never);
      for (const name of file.tensors.keys()) {
        if (name !== 'i64' && name !== 'bool') await file.read(name, never);
      }
    },
  },
  ...['config.json', 'model.safetensors.index.json', 'tokenizer_config.json', 'generation_config.json'].map((name) =>
    inDirectory(name),
  ),
];

function inDirectory(name: string): FuzzedFormat {
  return {
    name: `${name} of a directory`,
    share: 0.2,
    prepare: (folder) => {
      cpSync(fixtureModel, folder.path, { recursive: true });
      folder.write({ ...textFiles, 'tokenizer.json': readFileSync(join(fixtureModel, 'config.json'), 'utf8') });
      return join(folder.path, name);
    },
    read: async (path) => {
      await using model = await openModelDirectory(join(path, '..'), never);
      await readAll(model);
    },
  };
}

async function readAll(model: ModelFiles): Promise<void> {
  for (const name of model.tensors.keys()) await model.read(name, never);
}
