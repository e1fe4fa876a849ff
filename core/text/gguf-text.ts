import { ConfigError } from '../errors.js';
import type { GgufMetadata } from '../model/gguf/metadata.js';
import { type GgufPreTokenizer, preTokenizerJson, preTokenizerNamed } from './gguf-pre-tokenizers.js';
import { generationConfig, postProcessor, specialTokens } from './gguf-special-tokens.js';
import { type GgufToken, namedId, readMerges, readVocabulary, SPACE, tokenType } from './gguf-vocabulary.js';
import { mergesFromScores } from './merges-from-scores.js';
import type { TextFiles } from './text-files.js';

/**
 * What a GGUF file's metadata says of text, as Hugging Face's files say it; undefined where it says nothing.
 * Throws ConfigError, naming `source`, for kinds of tokenizers that are not known and for broken lists.
 */
export function textFilesOf(metadata: GgufMetadata, source: string): TextFiles | undefined {
  const model = metadata.get('tokenizer.ggml.model');
  if (model === undefined || model === 'none' || model === 'no_vocab') return undefined;
  const tokens = readVocabulary(metadata, source);
  const parts = partsOf(model, { metadata, tokens, source });
  const special = specialTokens(metadata, tokens, parts.adds);
  const template = metadata.get('tokenizer.chat_template');
  const chatTemplate = typeof template === 'string' ? template : undefined;
  return {
    tokenizer: {
      version: '1.0',
      truncation: null,
      padding: null,
      added_tokens: addedTokens(tokens),
      normalizer: parts.normalizer,
      pre_tokenizer: parts.preTokenizer,
      post_processor: postProcessor(special),
      decoder: parts.decoder,
      model: parts.model,
    },
    config: {
      tokenizer_class: 'PreTrainedTokenizerFast',
      clean_up_tokenization_spaces: false,
      add_bos_token: special.addsBos,
      add_eos_token: special.addsEos,
      ...special.names,
      ...(chatTemplate !== undefined && { chat_template: chatTemplate }),
    },
    chatTemplate,
    generation: generationConfig(metadata, tokens),
  };
}

interface Vocabulary {
  readonly metadata: GgufMetadata;
  readonly tokens: readonly GgufToken[];
  readonly source: string;
}

/** What differs between kinds of tokenizers. */
interface TokenizerParts {
  readonly normalizer: unknown;
  readonly preTokenizer: unknown;
  readonly decoder: unknown;
  readonly model: unknown;
  /** Whether a text begins with the bos token where the metadata does not say. */
  readonly adds: boolean;
}

type Merge = readonly [left: string, right: string];

function partsOf(model: unknown, vocabulary: Vocabulary): TokenizerParts {
  if (model === 'gpt2') return byteLevelParts(vocabulary);
  if (model === 'llama') return sentencePieceParts(vocabulary);
  throw new ConfigError(
    `${vocabulary.source} has a tokenizer of the kind ${JSON.stringify(model)}, which cannot be used; take a file with gpt2 or llama`,
  );
}

function byteLevelParts({ metadata, tokens, source }: Vocabulary): TokenizerParts {
  const pre = metadata.get('tokenizer.ggml.pre') ?? 'default';
  const row: GgufPreTokenizer = preTokenizerNamed(String(pre), source);
  return {
    normalizer: row.normalizer === undefined ? null : { type: row.normalizer },
    preTokenizer: preTokenizerJson(row),
    decoder: { type: 'ByteLevel', add_prefix_space: false, trim_offsets: false, use_regex: false },
    model: {
      ...bpe(tokens, readMerges(metadata, tokens, source) ?? []),
      unk_token: null,
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: row.ignoreMerges,
    },
    adds: row.addsBos,
  };
}

/** SentencePiece as Hugging Face converts it: spaces are a character of their own, what has no token becomes bytes. */
function sentencePieceParts({ metadata, tokens, source }: Vocabulary): TokenizerParts {
  const hasPrefix = metadata.get('tokenizer.ggml.add_space_prefix') !== false;
  const spaces = { type: 'Replace', pattern: { String: ' ' }, content: SPACE };
  const decoders = [
    { type: 'Replace', pattern: { String: SPACE }, content: ' ' },
    { type: 'ByteFallback' },
    { type: 'Fuse' },
  ];
  const unknown = namedId(metadata, 'unknown_token_id') ?? tokens.findIndex(({ type }) => type === tokenType.unknown);
  return {
    normalizer: hasPrefix ? { type: 'Sequence', normalizers: [{ type: 'Prepend', prepend: SPACE }, spaces] } : spaces,
    preTokenizer: null,
    decoder: {
      type: 'Sequence',
      decoders: hasPrefix ? [...decoders, { type: 'Strip', content: ' ', start: 1, stop: 0 }] : decoders,
    },
    model: {
      ...bpe(tokens, readMerges(metadata, tokens, source) ?? mergesFromScores(mergeable(tokens))),
      unk_token: tokens[unknown]?.text ?? null,
      fuse_unk: true,
      byte_fallback: true,
      ignore_merges: false,
    },
    adds: true,
  };
}

/**
 * Tokens that merges may make. Those a user defined come first, as SentencePiece has it: llama.cpp's converter overwrites
 * their scores.
 */
function mergeable(tokens: readonly GgufToken[]) {
  return tokens
    .filter(({ type }) => type === tokenType.normal || type === tokenType.userDefined)
    .map(({ text, type, score }) => ({ text, score: type === tokenType.userDefined ? Number.MAX_VALUE : score }));
}

function bpe(tokens: readonly GgufToken[], merges: readonly Merge[]) {
  const size = modelSize(tokens, new Set(merges.map(([left, right]) => left + right)));
  return {
    type: 'BPE',
    dropout: null,
    continuing_subword_prefix: null,
    end_of_word_suffix: null,
    vocab: Object.fromEntries(tokens.slice(0, size).map(({ text }, id) => [text, id])),
    merges,
  };
}

/**
 * Ids below belong to the model's vocabulary, whatever their type: it has no gaps, since readers number the added tokens
 * behind it. Added tokens at the end that no merge makes and what fills the embedding up are no part of it.
 */
function modelSize(tokens: readonly GgufToken[], merged: ReadonlySet<string>): number {
  const used = tokens.findLastIndex(({ type }) => type !== tokenType.unused);
  return tokens.findLastIndex(({ text, type }, id) => id <= used && (!isAdded(type) || merged.has(text))) + 1;
}

function addedTokens(tokens: readonly GgufToken[]) {
  return tokens.flatMap(({ text: content, type }, id) =>
    isAdded(type)
      ? [
          {
            id,
            content,
            single_word: false,
            lstrip: false,
            rstrip: false,
            normalized: false,
            special: type !== tokenType.userDefined,
          },
        ]
      : [],
  );
}

function isAdded(type: number): boolean {
  return type === tokenType.control || type === tokenType.userDefined || type === tokenType.unknown;
}
