import * as z from 'zod';
import { ConfigError } from '../errors.js';
import { isTokenId } from './bpe.js';
import type { TextFiles } from './text-files.js';

/** A token that stands beside the vocabulary's merges: its name in a text is looked for before anything else. */
export interface AddedToken {
  readonly name: string;
  readonly id: number;
  /** As the tokenizer's makers flagged it: left out of text that is shown. */
  readonly isSpecial: boolean;
  /** Takes the white space before or after it too. */
  readonly stripsLeft: boolean;
  readonly stripsRight: boolean;
  /** Only where no letter, digit or underscore touches it. */
  readonly isSingleWord: boolean;
  /** Looked for in the normalized text instead of the text as it came. */
  readonly isNormalized: boolean;
}

const addedTokenSchema = z.looseObject({
  content: z.string().min(1),
  id: z.custom<number>(isTokenId).optional(),
  special: z.boolean().default(false),
  lstrip: z.boolean().default(false),
  rstrip: z.boolean().default(false),
  single_word: z.boolean().default(false),
  normalized: z.boolean().optional(),
});

/** Names that the configuration gives to tokens: `bos_token`, `eos_token`, … and the names of those tokens. */
export function namedTokens(config: TextFiles['config']): { readonly [role: string]: string } {
  const named: Record<string, string> = {};
  for (const [key, value] of Object.entries(config)) {
    if (!key.endsWith('_token')) continue;
    const token = z.union([z.string(), z.looseObject({ content: z.string() })]).safeParse(value);
    if (token.success) named[key] = typeof token.data === 'string' ? token.data : token.data.content;
  }
  return named;
}

/** The added tokens of tokenizer.json and those that only tokenizer_config.json knows, by name. */
export function readAddedTokens(files: Pick<TextFiles, 'tokenizer' | 'config'>): ReadonlyMap<string, AddedToken> {
  const tokens = new Map<string, AddedToken>();
  const listed = z.array(z.unknown()).nullish().safeParse(files.tokenizer.added_tokens);
  if (!listed.success) throw new ConfigError('tokenizer.json: added_tokens is not a list');
  for (const entry of listed.data ?? []) add(tokens, readAddedToken(entry, undefined, 'tokenizer.json'));
  const configured = z.record(z.string(), z.unknown()).safeParse(files.config.added_tokens_decoder);
  for (const [id, entry] of Object.entries(configured.data ?? {})) {
    add(tokens, readAddedToken(entry, Number(id), 'tokenizer_config.json'));
  }
  const named = new Set(Object.values(namedTokens(files.config)));
  return new Map(
    [...tokens].map(([name, token]) => [name, { ...token, isSpecial: token.isSpecial || named.has(name) }]),
  );
}

function add(tokens: Map<string, AddedToken>, token: AddedToken): void {
  if (!tokens.has(token.name)) tokens.set(token.name, token);
}

function readAddedToken(entry: unknown, key: number | undefined, file: string): AddedToken {
  const parsed = addedTokenSchema.safeParse(entry);
  const id = parsed.data?.id ?? key;
  if (!parsed.success || !isTokenId(id)) {
    throw new ConfigError(`${file}: added token ${JSON.stringify(entry)} has no content or no id`);
  }
  const { content, special, lstrip, rstrip, single_word: singleWord, normalized } = parsed.data;
  return {
    name: content,
    id,
    isSpecial: special,
    stripsLeft: lstrip,
    stripsRight: rstrip,
    isSingleWord: singleWord,
    isNormalized: normalized ?? !special,
  };
}
