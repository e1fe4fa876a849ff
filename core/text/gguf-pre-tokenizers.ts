import { isDeepStrictEqual } from 'node:util';
import { ConfigError } from '../errors.js';

/** How text is cut before byte-level BPE, under the names llama.cpp has for it. */
export interface GgufPreTokenizer {
  /** Values of tokenizer.ggml.pre that mean this; the first is written. */
  readonly names: readonly [string, ...string[]];
  /** Applied one after the other, each to the pieces the one before left; matches and what lies between become pieces. */
  readonly splits: readonly string[];
  /** Unicode form the text is brought to first; llama.cpp leaves that out, the models' own tokenizers do not. */
  readonly normalizer: 'NFC' | undefined;
  /** A piece that is a token stays whole, whatever the merges say. */
  readonly ignoreMerges: boolean;
  /** What holds where tokenizer.ggml.add_bos_token is missing. */
  readonly addsBos: boolean;
}

const GPT2 = String.raw`'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`;
const contractions = `(?i:'s|'t|'re|'ve|'m|'ll|'d)`;
const blanks = String.raw`\s*[\r\n]+|\s+(?!\S)|\s+`;
const words = String.raw`[^\r\n\p{L}\p{N}]?\p{L}+`;
const signs = String.raw` ?[^\s\p{L}\p{N}]+[\r\n]*`;
const signsWithSlash = String.raw` ?[^\s\p{L}\p{N}]+[\r\n/]*`;
const capitalized = String.raw`[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+`;
const capitals = String.raw`[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*`;
const LLAMA3 = [contractions, words, String.raw`\p{N}{1,3}`, signs, blanks].join('|');
const QWEN2 = [contractions, words, String.raw`\p{N}`, signs, blanks].join('|');
const TEKKEN = [capitalized, capitals, String.raw`\p{N}`, signsWithSlash, blanks].join('|');
const GPT4O = [
  `${capitalized}${contractions}?`,
  `${capitals}${contractions}?`,
  String.raw`\p{N}{1,3}`,
  signsWithSlash,
  blanks,
].join('|');

const plain = { normalizer: undefined, ignoreMerges: false, addsBos: false } as const;

const preTokenizers: readonly GgufPreTokenizer[] = [
  {
    names: ['llama-bpe', 'llama3', 'llama-v3', 'falcon3', 'falcon-h1', 'pixtral', 'midm-2.0', 'lfm2'],
    splits: [LLAMA3],
    normalizer: undefined,
    ignoreMerges: true,
    addsBos: true,
  },
  { ...plain, names: ['smaug-bpe', 'dbrx'], splits: [LLAMA3] },
  { ...plain, names: ['qwen2', 'megrez'], splits: [QWEN2], normalizer: 'NFC' },
  { ...plain, names: ['deepseek-r1-qwen', 'kormo'], splits: [QWEN2] },
  { ...plain, names: ['smollm', 'starcoder', 'refact', 'command-r', 'codeshell'], splits: [String.raw`\p{N}`, GPT2] },
  { ...plain, names: ['gpt-2', 'phi-2', 'mpt', 'olmo', 'jais'], splits: [GPT2] },
  { names: ['tekken'], splits: [TEKKEN], normalizer: undefined, ignoreMerges: true, addsBos: true },
  { ...plain, names: ['gpt-4o', 'llama4'], splits: [GPT4O] },
  {
    ...plain,
    names: ['default'],
    splits: [
      String.raw`[\p{P}\$\+<=>\^~\|]+`,
      String.raw`'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)`,
      String.raw`\p{N}+`,
      '[0-9][0-9][0-9]',
    ],
  },
];

/** What a value of tokenizer.ggml.pre means; throws ConfigError, naming `source`, where that is not known. */
export function preTokenizerNamed(name: string, source: string): GgufPreTokenizer {
  const found = preTokenizers.find(({ names }) => names.includes(name));
  if (found !== undefined) return found;
  const known = preTokenizers.map(({ names }) => names[0]).join(', ');
  throw new ConfigError(
    `${source} cuts text as tokenizer.ggml.pre = ${JSON.stringify(name)} says, which is not known; take a file with one of ${known}`,
  );
}

/** What belongs into the pre_tokenizer of a tokenizer.json. */
export function preTokenizerJson({ splits }: GgufPreTokenizer) {
  const pretokenizers = [
    ...splits.map((Regex) => ({ type: 'Split', pattern: { Regex }, behavior: 'Isolated', invert: false })),
    { type: 'ByteLevel', add_prefix_space: false, trim_offsets: false, use_regex: false },
  ];
  return { type: 'Sequence', pretokenizers };
}

/** Behaviour of a tokenizer.json that decides which name of llama.cpp's fits. */
export type PreTokenizerTraits = Pick<GgufPreTokenizer, 'splits' | 'normalizer' | 'ignoreMerges'>;

/** The row that behaves so; where only the Unicode form differs, the row without it. Undefined when llama.cpp has none. */
export function preTokenizerLike(traits: PreTokenizerTraits): GgufPreTokenizer | undefined {
  const alike = preTokenizers.filter(
    ({ splits, ignoreMerges }) => ignoreMerges === traits.ignoreMerges && isDeepStrictEqual(splits, traits.splits),
  );
  return alike.find(({ normalizer }) => normalizer === traits.normalizer) ?? alike.at(-1);
}

/** The splits of one step of a pre_tokenizer in a tokenizer.json; undefined when it does something else than cut. */
export function splitsOfStep(step: { readonly [key: string]: unknown }): readonly string[] | undefined {
  if (step.type === 'ByteLevel' && step.add_prefix_space !== true) return step.use_regex === false ? [] : [GPT2];
  if (step.type === 'Digits' && step.individual_digits === true) return [String.raw`\p{N}`];
  if (step.type !== 'Split' || step.behavior !== 'Isolated' || step.invert === true) return undefined;
  const { pattern } = step;
  const isRegex = typeof pattern === 'object' && pattern !== null && 'Regex' in pattern;
  return isRegex && typeof pattern.Regex === 'string' ? [pattern.Regex] : undefined;
}
