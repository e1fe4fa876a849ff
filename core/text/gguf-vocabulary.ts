import { ConfigError } from '../errors.js';
import type { GgufMetadata, GgufScalar } from '../model/gguf/metadata.js';

/** tokenizer.ggml.token_type. */
export const tokenType = { normal: 1, unknown: 2, control: 3, userDefined: 4, unused: 5, byte: 6 } as const;

/** The token of a SentencePiece space. */
export const SPACE = '\u2581';

/** One row of a GGUF vocabulary, its id the place in the list. */
export interface GgufToken {
  /** As Hugging Face spells it. */
  readonly text: string;
  readonly type: number;
  /** 0 where the file has no scores. */
  readonly score: number;
}

/** The rows of the vocabulary; throws ConfigError, naming `source`, when the lists are broken or a token stands twice. */
export function readVocabulary(metadata: GgufMetadata, source: string): readonly GgufToken[] {
  const texts = listOf(metadata, 'tokens', isString, source) ?? [];
  const types = listOf(metadata, 'token_type', isNumber, source);
  const scores = listOf(metadata, 'scores', isNumber, source);
  for (const [key, list] of Object.entries({ token_type: types, scores }))
    if (list !== undefined && list.length !== texts.length)
      throw new ConfigError(
        `${source} has ${texts.length} tokens and ${list.length} entries of tokenizer.ggml.${key}; it is damaged: get it again`,
      );
  const named = types === undefined ? namedIds(metadata) : new Set<number>();
  const tokens = texts.map((text, id) => {
    const type = types?.[id] ?? (named.has(id) ? tokenType.control : tokenType.normal);
    return { text: spelled(text, type, id), type, score: scores?.[id] ?? 0 };
  });
  const twice = firstDuplicate(tokens);
  if (twice === undefined) return tokens;
  throw new ConfigError(
    `${source} has the token ${JSON.stringify(twice.slice(0, 100))} twice in its vocabulary; get another file`,
  );
}

/** Pairs of tokenizer.ggml.merges; undefined where the file has none. Throws ConfigError when one is no pair of tokens that makes a token. */
export function readMerges(metadata: GgufMetadata, tokens: readonly GgufToken[], source: string) {
  const merges = listOf(metadata, 'merges', isString, source);
  const known = new Set(tokens.map(({ text }) => text));
  return merges?.map((merge, index) => {
    const cut = merge.indexOf(' ', 1);
    const pair = [merge.slice(0, cut), merge.slice(cut + 1)] as const;
    if (cut > 0 && known.has(pair[0]) && known.has(pair[1]) && known.has(pair[0] + pair[1])) return pair;
    throw new ConfigError(
      `${source} has the merge ${JSON.stringify(merge.slice(0, 100))} (number ${index}), whose parts or result are no tokens; get another file`,
    );
  });
}

/** The token the metadata names by its id, such as `bos_token_id`; undefined where none is named or the id is outside the vocabulary. */
export function namedId(metadata: GgufMetadata, key: string): number | undefined {
  const value = metadata.get(`tokenizer.ggml.${key}`);
  const id = typeof value === 'bigint' ? Number(value) : value;
  return typeof id === 'number' && Number.isSafeInteger(id) && id >= 0 ? id : undefined;
}

function namedIds(metadata: GgufMetadata): ReadonlySet<number | undefined> {
  return new Set(
    ['bos', 'eos', 'unknown', 'padding', 'eot', 'eom'].map((name) => namedId(metadata, `${name}_token_id`)),
  );
}

/** llama.cpp writes SentencePiece's runs of spaces as spaces, and has no empty tokens. */
function spelled(text: string, type: number, id: number): string {
  if (text === '') return `[EMPTY_${id}]`;
  return type === tokenType.userDefined && /^ {2,}$/.test(text) ? SPACE.repeat(text.length) : text;
}

function firstDuplicate(tokens: readonly GgufToken[]): string | undefined {
  const seen = new Set<string>();
  return tokens.find(({ text }) => seen.size === seen.add(text).size)?.text;
}

function listOf<Item extends GgufScalar>(
  metadata: GgufMetadata,
  key: string,
  isItem: (value: GgufScalar) => value is Item,
  source: string,
): readonly Item[] | undefined {
  const value = metadata.get(`tokenizer.ggml.${key}`);
  if (value === undefined) return undefined;
  if (Array.isArray(value) && value.every(isItem)) return value;
  throw new ConfigError(
    `${source} has a tokenizer.ggml.${key} of another kind than expected; it is damaged: get it again`,
  );
}

function isString(value: GgufScalar): value is string {
  return typeof value === 'string';
}

function isNumber(value: GgufScalar): value is number {
  return typeof value === 'number';
}
