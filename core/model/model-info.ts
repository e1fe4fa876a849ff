import { type HfTokenizer, hfTokenizer } from '../text/hf-tokenizer.js';
import type { TextFiles } from '../text/text-files.js';
import { decoderConfig } from './architectures/architectures.js';
import type { DecoderConfig, ModelType } from './decoder-config.js';
import type { ModelFiles } from './model-files.js';
import type { RotaryConfig } from './rotary-frequencies.js';
import { tensorBytes, valueCount } from './tensor-bytes.js';
import { weightShapes } from './weight-shapes.js';

/** What a checkpoint is, without reading its weights; JSON only. */
export interface ModelInfo {
  readonly source: string;
  readonly architecture: ModelType;
  /** Of the language model; a head that is the embedding counts once. */
  readonly parameters: number;
  readonly layers: number;
  readonly hiddenSize: number;
  readonly intermediateSize: number;
  readonly attentionHeads: number;
  readonly keyValueHeads: number;
  readonly headDim: number;
  /** Longest context, in tokens. */
  readonly context: number;
  /** Positions that layers with a window see; 0 where there are none. */
  readonly window: number;
  readonly vocabulary: number;
  readonly isHeadTied: boolean;
  /** The first is that of layers without a window. */
  readonly rope: readonly RotaryConfig[];
  /** All that is in the files, by dtype. */
  readonly dtypes: { readonly [dtype: string]: { readonly tensors: number; readonly bytes: number } };
  /** Of the weights as they are computed with. */
  readonly float32Bytes: number;
  readonly tokenizer: TokenizerInfo | null;
  readonly chatTemplate: { readonly writesTools: boolean } | null;
}

export interface TokenizerInfo {
  readonly kind: 'byte-level BPE' | 'BPE with byte fallback' | 'BPE';
  readonly vocabulary: number;
  /** Tokens by role, such as `eos_token`. */
  readonly named: { readonly [role: string]: { readonly name: string; readonly id: number | null } };
}

/** Throws ConfigError for an architecture that is not known and for a tokenizer that is broken. */
export function modelInfo(files: ModelFiles): ModelInfo {
  const config = decoderConfig(files.config, files.source);
  const parameters = [...weightShapes(config).values()].reduce((sum, shape) => sum + valueCount(shape), 0);
  const template = files.text?.chatTemplate;
  return {
    source: files.source,
    architecture: config.modelType,
    parameters,
    layers: config.numHiddenLayers,
    hiddenSize: config.hiddenSize,
    intermediateSize: config.intermediateSize,
    attentionHeads: config.numAttentionHeads,
    keyValueHeads: config.numKeyValueHeads,
    headDim: config.headDim,
    context: config.maxPositionEmbeddings,
    window: widestWindow(config),
    vocabulary: config.vocabSize,
    isHeadTied: config.tieWordEmbeddings,
    rope: config.rotaries,
    dtypes: dtypesOf(files),
    float32Bytes: 4 * parameters,
    tokenizer: files.text === undefined ? null : tokenizerInfo(files.text),
    chatTemplate: template === undefined ? null : { writesTools: /\btools\b/.test(template) },
  };
}

function widestWindow({ layers }: DecoderConfig): number {
  return layers.reduce((widest, { window }) => Math.max(widest, window), 0);
}

function dtypesOf({ tensors }: ModelFiles): ModelInfo['dtypes'] {
  const dtypes: Record<string, { tensors: number; bytes: number }> = {};
  for (const entry of tensors.values()) {
    const { tensors: count, bytes } = dtypes[entry.dtype] ?? { tensors: 0, bytes: 0 };
    dtypes[entry.dtype] = { tensors: count + 1, bytes: bytes + tensorBytes(entry) };
  }
  return dtypes;
}

function tokenizerInfo(text: TextFiles): TokenizerInfo {
  const tokenizer = hfTokenizer(text);
  const named = Object.entries(tokenizer.namedTokens).map(
    ([role, name]) => [role, { name, id: tokenizer.specials.get(name) ?? null }] as const,
  );
  return { kind: kindOf(tokenizer), vocabulary: tokenizer.vocabSize, named: Object.fromEntries(named) };
}

function kindOf({ isByteLevel, hasByteFallback }: HfTokenizer): TokenizerInfo['kind'] {
  if (isByteLevel) return 'byte-level BPE';
  return hasByteFallback ? 'BPE with byte fallback' : 'BPE';
}
