import { ConfigError } from '../../errors.js';
import { textFilesOf } from '../../text/gguf-text.js';
import type { TextFiles } from '../../text/text-files.js';
import type { ModelFiles, TensorEntry } from '../model-files.js';
import { configFromGguf, type HuggingFaceConfig } from './config-from-gguf.js';
import { MetadataReader } from './metadata-reader.js';
import { type GgufArchitecture, ggufArchitecture, huggingFaceName } from './names.js';
import { type GgufFile, openGguf } from './read-gguf.js';
import { ROPE_FACTORS_TENSOR } from './rope-factors.js';
import { fromGgufValues, type TransformContext } from './transforms.js';

/** Opens a GGUF file as Hugging Face would have its model. Throws ConfigError, naming the file, when it is broken or of no use here. */
export async function openGgufModel(path: string, signal: AbortSignal): Promise<ModelFiles> {
  const file = await openGguf(path, signal);
  try {
    return new GgufModel(file, await describe(file, signal));
  } catch (error) {
    await file[Symbol.asyncDispose]();
    throw error;
  }
}

interface Description {
  readonly config: HuggingFaceConfig;
  readonly text: TextFiles | undefined;
  readonly transform: TransformContext;
  /** Hugging Face's names to GGUF's. */
  readonly ggufNames: ReadonlyMap<string, string>;
}

async function describe(file: GgufFile, signal: AbortSignal): Promise<Description> {
  const { source, metadata, tensors } = file;
  const reader = new MetadataReader(metadata, source);
  const parts = reader.findId('split.count') ?? 1;
  if (parts > 1)
    throw new ConfigError(`${source} is one of ${parts} parts; join them with llama.cpp's llama-gguf-split --merge`);
  const architecture = ggufArchitecture(metadata.get('general.architecture'), source);
  const ropeFactors = await readRopeFactors(file, signal);
  const config = configFromGguf({ source, metadata, tensors, ropeFactors });
  const transform = {
    architecture,
    numAttentionHeads: config.num_attention_heads,
    numKeyValueHeads: config.num_key_value_heads,
  };
  const ggufNames = nameTensors(file, architecture);
  checkHeads(file, transform, config.head_dim);
  return { config, text: textFilesOf(metadata, source), transform, ggufNames };
}

async function readRopeFactors(file: GgufFile, signal: AbortSignal): Promise<Float32Array | undefined> {
  const tensor = file.tensors.get(ROPE_FACTORS_TENSOR);
  if (tensor === undefined) return undefined;
  const factors = await file.read(ROPE_FACTORS_TENSOR, signal);
  if (factors.every((factor) => factor > 0 && Number.isFinite(factor))) return factors;
  throw new ConfigError(`tensor ${ROPE_FACTORS_TENSOR} of ${file.source} has values that are not positive`);
}

function nameTensors({ tensors, source }: GgufFile, architecture: GgufArchitecture): ReadonlyMap<string, string> {
  const names = new Map<string, string>();
  for (const ggufName of tensors.keys()) {
    if (ggufName === ROPE_FACTORS_TENSOR) continue;
    const name = huggingFaceName(architecture, ggufName);
    if (name === undefined)
      throw new ConfigError(`${source} has a tensor ${ggufName}, which ${architecture} models do not have`);
    names.set(name, ggufName);
  }
  return names;
}

/** Rows can be put in Hugging Face's order only where each head has as many as the metadata say. */
function checkHeads({ tensors, source }: GgufFile, transform: TransformContext, headDim: number): void {
  for (const [name, { shape }] of tensors) {
    const [, part] = /\.attn_([qk])\.\w+$/.exec(name) ?? [];
    if (part === undefined) continue;
    const heads = part === 'q' ? transform.numAttentionHeads : transform.numKeyValueHeads;
    if (shape[0] !== heads * headDim)
      throw new ConfigError(
        `tensor ${name} of ${source} has ${shape[0]} rows, not ${headDim} for each of ${heads} heads`,
      );
  }
}

class GgufModel implements ModelFiles {
  readonly source: string;
  readonly config: HuggingFaceConfig;
  readonly tensors: ReadonlyMap<string, TensorEntry>;
  readonly text: TextFiles | undefined;
  readonly #file: GgufFile;
  readonly #description: Description;

  constructor(file: GgufFile, description: Description) {
    this.source = file.source;
    this.config = description.config;
    this.tensors = entriesOf(file, description);
    this.text = description.text;
    this.#file = file;
    this.#description = description;
  }

  async read(name: string, signal: AbortSignal): Promise<Float32Array> {
    const ggufName = this.#description.ggufNames.get(name);
    const entry = this.tensors.get(name);
    if (ggufName === undefined || entry === undefined) throw new ConfigError(`${this.source} has no tensor ${name}`);
    const values = await this.#file.read(ggufName, signal);
    return fromGgufValues(this.#description.transform, { name, shape: entry.shape, values });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file[Symbol.asyncDispose]();
  }
}

function entriesOf({ tensors }: GgufFile, { ggufNames }: Description): ReadonlyMap<string, TensorEntry> {
  const entries = new Map<string, TensorEntry>();
  for (const [name, ggufName] of ggufNames) {
    const tensor = tensors.get(ggufName);
    if (tensor !== undefined) entries.set(name, { shape: tensor.shape, dtype: tensor.format.name });
  }
  return entries;
}
