import { z } from 'zod';
import { ConfigError } from '../../errors.js';
import { parseJsonObject } from '../safetensors/json-file.js';
import { isPlainPath, type ModelId } from './model-id.js';

const TEXTS = ['generation_config.json', 'tokenizer.json', 'tokenizer_config.json', 'chat_template.jinja'];
const CONFIG = 'config.json';
const WEIGHTS = 'model.safetensors';
const INDEX = 'model.safetensors.index.json';
const ADAPTER_CONFIG = 'adapter_config.json';
const ADAPTER = 'adapter_model.safetensors';

const indexSchema = z.object({ weight_map: z.record(z.string(), z.string()) });

/** The files of a repository that a model needs. */
export interface FilePlan {
  readonly texts: readonly string[];
  /** Names further weights. */
  readonly index: string | undefined;
  readonly weights: readonly string[];
  /** Comes last: a folder without it is not taken for a model. */
  readonly last: string | undefined;
  /** The file to open; undefined for the whole folder. */
  readonly opens: string | undefined;
}

/**
 * Chooses among the names of a repository: safetensors before GGUF, an adapter where there are no weights of a model, the file that the id
 * names before all. Throws ConfigError, saying what to write instead, when there is nothing that can be opened or too much to choose from.
 */
export function planFiles(names: ReadonlySet<string>, id: ModelId): FilePlan {
  const ggufs = [...names].filter((name) => name.endsWith('.gguf') && isPlainPath(name)).sort();
  if (id.file !== undefined) return onlyGguf(namedGguf(id.file, ggufs, id));
  const texts = TEXTS.filter((name) => names.has(name));
  if (names.has(WEIGHTS))
    return { texts, index: undefined, weights: [WEIGHTS], last: configOf(names, id), opens: undefined };
  if (names.has(INDEX)) return { texts, index: INDEX, weights: [], last: configOf(names, id), opens: undefined };
  if (names.has(ADAPTER_CONFIG) && names.has(ADAPTER)) {
    return { texts, index: undefined, weights: [ADAPTER], last: ADAPTER_CONFIG, opens: undefined };
  }
  const [gguf] = ggufs;
  if (gguf === undefined) throw new ConfigError(withoutWeights(names, id));
  if (ggufs.length === 1) return onlyGguf(gguf);
  throw new ConfigError(
    `${id.name} has ${ggufs.length} GGUF files: write ${id.name}:FILE with one of ${ggufs.join(', ')}`,
  );
}

/** The weights that an index names. Throws ConfigError when one is not in the repository. */
export function shardsIn(indexText: string, names: ReadonlySet<string>, id: ModelId): readonly string[] {
  const parsed = indexSchema.safeParse(parseJsonObject(indexText, `${INDEX} of ${id.name}`));
  if (!parsed.success)
    throw new ConfigError(`${INDEX} of ${id.name} has no weight_map that gives each tensor its file`);
  const shards = [...new Set(Object.values(parsed.data.weight_map))];
  const stranger = shards.find((name) => !names.has(name) || !isPlainPath(name) || !name.endsWith('.safetensors'));
  if (stranger === undefined) return shards;
  throw new ConfigError(
    `${INDEX} of ${id.name} names ${JSON.stringify(stranger.slice(0, 200))}, which is no safetensors file there`,
  );
}

function onlyGguf(name: string): FilePlan {
  return { texts: [], index: undefined, weights: [name], last: undefined, opens: name };
}

/** The file of that name, or else the one whose name ends so (`Q4_K_M`), whatever its case. */
function namedGguf(file: string, ggufs: readonly string[], { name }: ModelId): string {
  const ending = file.toLowerCase().replace(/(\.gguf)?$/, '.gguf');
  const isMeant = (one: string): boolean =>
    ['-', '.', '_', '/'].some((mark) => `/${one}`.toLowerCase().endsWith(mark + ending));
  const matches = ggufs.includes(file) ? [file] : ggufs.filter(isMeant);
  const [match] = matches;
  if (match !== undefined && matches.length === 1) return match;
  const found = ggufs.length === 0 ? 'it has none' : `it has ${ggufs.join(', ')}`;
  throw new ConfigError(`${name} has ${matches.length === 0 ? 'no' : 'more than one'} GGUF file ${file}: ${found}`);
}

function configOf(names: ReadonlySet<string>, { name }: ModelId): string {
  if (names.has(CONFIG)) return CONFIG;
  throw new ConfigError(`${name} has safetensors but no ${CONFIG}: it is not a model that transformers could load`);
}

function withoutWeights(names: ReadonlySet<string>, { name }: ModelId): string {
  if ([...names].some((one) => /^pytorch_model.*\.bin(\.index\.json)?$|^adapter_model\.bin$/.test(one))) {
    return (
      `${name} has its weights only as .bin files, which can run code when they are read: ` +
      'load it in Python with transformers and save it with save_pretrained, which writes safetensors, or look for a revision that has them'
    );
  }
  return `${name} has no weights that can be read: neither ${WEIGHTS} nor ${INDEX} nor ${ADAPTER} nor a GGUF file`;
}
