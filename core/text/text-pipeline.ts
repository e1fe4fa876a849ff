import { Tokenizer as Library } from '@huggingface/tokenizers';
import * as z from 'zod';
import { ConfigError } from '../errors.js';

/** GPT-2's pattern, which a byte-level pre-tokenizer applies unless it is told not to. */
const GPT2_PATTERN = "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";

/** The library's way back from names of tokens to text. */
export type Decoder = NonNullable<Library['decoder']>;

/** What stands around the model in a tokenizer.json. */
export interface TextPipeline {
  normalize(text: string): string;
  /** The words of a stretch of normalized text; `isFirst` where nothing stands before it. */
  split(text: string, isFirst: boolean): readonly string[];
  /** Whether the vocabulary is written in the byte alphabet; words are not, here. */
  readonly isByteLevel: boolean;
  /** Undefined where the file has none. */
  readonly decoder: Decoder | undefined;
}

const stepSchema = z.looseObject({
  type: z.string(),
  add_prefix_space: z.boolean().nullish(),
  use_regex: z.boolean().nullish(),
  pretokenizers: z.array(z.unknown()).nullish(),
});

/** Reads normalizer, pre-tokenizer and decoder; throws ConfigError where they are of a kind that is not known. */
export function textPipeline(file: { readonly [key: string]: unknown }): TextPipeline {
  const steps = flatten(file.pre_tokenizer);
  const prefixed = steps.findIndex((step) => step.type === 'ByteLevel' && step.add_prefix_space === true);
  if (prefixed > 0)
    throw new ConfigError('tokenizer.json: a prefix space after another pre-tokenizer is not supported');
  const library = openLibrary(file, steps.flatMap(withoutBytes));
  const { normalizer, pre_tokenizer: preTokenizer, decoder } = library;
  return {
    normalize: (text) => (normalizer === null ? text : normalizer.normalize(text)),
    split(text, isFirst) {
      const whole = prefixed === 0 && !text.startsWith(' ') ? ` ${text}` : text;
      return preTokenizer === null ? [whole] : preTokenizer.pre_tokenize(whole, { section_index: isFirst ? 0 : 1 });
    },
    isByteLevel: steps.some((step) => step.type === 'ByteLevel'),
    decoder: decoder ?? undefined,
  };
}

type Step = z.infer<typeof stepSchema>;

function flatten(step: unknown): readonly Step[] {
  if (step === null || step === undefined) return [];
  const parsed = stepSchema.safeParse(step);
  if (!parsed.success) throw new ConfigError('tokenizer.json: the pre_tokenizer has no type');
  return parsed.data.type === 'Sequence' ? (parsed.data.pretokenizers ?? []).flatMap(flatten) : [parsed.data];
}

/** Only the cutting of a byte-level step: the model writes bytes itself, and once for each word it remembers. */
function withoutBytes(step: Step): readonly Step[] {
  if (step.type !== 'ByteLevel') return [step];
  if (step.use_regex === false) return [];
  const split = { type: 'Split', pattern: { Regex: GPT2_PATTERN }, behavior: 'Isolated', invert: false };
  return [split];
}

type Parts = Pick<Library, 'normalizer' | 'pre_tokenizer' | 'decoder'>;

/** The library's parts without its model, whose merging is too slow for long words and large vocabularies. */
function openLibrary(file: { readonly [key: string]: unknown }, steps: readonly Step[]): Parts {
  const model = { type: 'BPE', vocab: {}, merges: [] };
  const parts = {
    normalizer: file.normalizer ?? null,
    pre_tokenizer: steps.length === 0 ? null : { type: 'Sequence', pretokenizers: steps },
    decoder: file.decoder ?? null,
    post_processor: null,
  };
  try {
    return new Library({ ...parts, model, added_tokens: [] }, {});
  } catch (error) {
    throw new ConfigError(`tokenizer.json cannot be used: ${error instanceof Error ? error.message : String(error)}`);
  }
}
