import * as tf from '@tensorflow/tfjs-core';
import { ConfigError } from '../errors.js';
import type { TextFiles } from '../text/text-files.js';
import { decoderConfig } from './architectures/architectures.js';
import type { DecoderConfig } from './decoder-config.js';
import type { LoraConfig } from './lora/lora-config.js';
import { initialLora } from './lora/lora-weights.js';
import type { ModelFiles } from './model-files.js';
import { ownName } from './own-name.js';
import { Policy } from './policy.js';
import { weightShapes } from './weight-shapes.js';
import { Weights } from './weights.js';

export interface LoadOptions {
  /** Longest context in tokens; that of the model when left out, at most that. */
  readonly contextLength?: number;
  readonly enableGradientCheckpointing?: boolean;
  /** Trains adapters over frozen weights where `loraRank` is more than 0. */
  readonly lora?: LoraConfig;
  /** What the checkpoint is called in what is written of adapters over it; what it calls itself when left out. */
  readonly source?: string;
  /** Names the random numbers of fresh adapters. */
  readonly seed?: number;
  /** What is written beside trained weights instead of the checkpoint's own. */
  readonly text?: TextFiles;
}

/**
 * A policy with the weights of a checkpoint, read one tensor at a time. Throws ConfigError for an unknown architecture, for a tensor that is
 * missing, misshapen or has no place in the architecture, before any is read.
 */
export async function loadPolicy(files: ModelFiles, options: LoadOptions, signal: AbortSignal): Promise<Policy> {
  const config = decoderConfig(files.config, files.source);
  const names = tensorNames(files, config);
  const contextLength = checkedContext(options.contextLength, config, files.source);
  const loaded = new Map<string, tf.Variable>();
  const isFrozen = options.lora !== undefined && options.lora.loraRank > 0;
  try {
    for (const [name, shape] of weightShapes(config)) {
      const values = await files.read(names.get(name) ?? name, signal);
      loaded.set(
        name,
        tf.tidy(() => tf.variable(tf.tensor(values, [...shape]), !isFrozen)),
      );
    }
  } catch (error) {
    tf.dispose([...loaded.values()]);
    throw error;
  }
  const { config: content } = files;
  const source = options.source ?? files.source;
  const text = options.text ?? files.text;
  const { enableGradientCheckpointing = false, lora, seed = 0 } = options;
  const common = { contextLength, enableGradientCheckpointing, papers: { config: content, text, source } };
  if (!isFrozen || lora === undefined) return new Policy(config, new Weights(loaded), common);
  return new Policy(config, new Weights(initialLora(config, lora, seed), loaded), { ...common, lora });
}

function checkedContext(asked: number | undefined, { maxPositionEmbeddings }: DecoderConfig, source: string): number {
  if (asked === undefined || asked <= maxPositionEmbeddings) return asked ?? maxPositionEmbeddings;
  throw new ConfigError(`a context of ${asked} tokens is more than the ${maxPositionEmbeddings} of ${source}`);
}

/** Parts of checkpoints of several models that a language model has no use for, and tables that are computed here. */
const ignored = /^(model\.)?(vision_tower|multi_modal_projector)\.|rotary_emb\.inv_freq$|^rope_freqs\.weight$/;

/** By the model's own names, the file's. */
function tensorNames(files: ModelFiles, config: DecoderConfig): ReadonlyMap<string, string> {
  const names = new Map(
    [...files.tensors.keys()].filter((name) => !ignored.test(name)).map((name) => [ownName(name), name]),
  );
  const shapes = weightShapes(config);
  const { source } = files;
  for (const [name, shape] of shapes) {
    const entry = files.tensors.get(names.get(name) ?? '');
    if (entry === undefined) {
      throw new ConfigError(`${source} has no tensor ${name}, which architecture ${config.modelType} needs`);
    }
    if (!tf.util.arraysEqual([...entry.shape], [...shape])) {
      throw new ConfigError(`${name} in ${source} has shape [${entry.shape}], its config.json says [${shape}]`);
    }
  }
  const unused = [...names.keys()].find(
    (name) => !shapes.has(name) && !(config.tieWordEmbeddings && name === 'lm_head.weight'),
  );
  if (unused === undefined) return names;
  throw new ConfigError(`${source} has a tensor ${unused} that architecture ${config.modelType} has no place for`);
}
