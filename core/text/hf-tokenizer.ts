import { ConfigError } from '../errors.js';
import { type AddedToken, namedTokens, readAddedTokens } from './added-tokens.js';
import { Bpe, readBpe } from './bpe.js';
import type { TextFiles } from './text-files.js';
import { type TextPipeline, textPipeline } from './text-pipeline.js';
import { type TextPart, TokenFinder } from './token-finder.js';
import { tokenText } from './token-text.js';
import type { Tokenizer } from './tokenizer.js';

/** A tokenizer of Hugging Face's files. */
export interface HfTokenizer extends Tokenizer {
  /**
   * As `tokenizer(text, add_special_tokens=False)` of transformers: names of added tokens become those tokens. A name with
   * the marker, one character, behind its first character stays text; the markers are left out.
   */
  encodeWithSpecials(text: string, marker?: string): number[];
  /** Undefined where the files name none. */
  readonly bosToken: number | undefined;
  readonly eosToken: number | undefined;
  /** Whether its vocabulary is written in bytes, and if not, whether characters outside of it become bytes. */
  readonly isByteLevel: boolean;
  readonly hasByteFallback: boolean;
  /** Every added token by name. */
  readonly addedTokens: ReadonlyMap<string, AddedToken>;
  /** Ids of the added tokens that no text becomes by itself, by name: all but those that merges make too, such as Gemma's line breaks. */
  readonly specials: ReadonlyMap<string, number>;
  /** Names by role: `bos_token`, `eos_token`, `pad_token` … */
  readonly namedTokens: { readonly [role: string]: string };
}

/**
 * Byte-pair tokenizers as transformers' fast ones compute them; throws ConfigError where the files hold another kind.
 * Deviation: `decode` never tidies spaces up (clean_up_tokenization_spaces), so that text stays what the tokens say.
 */
export function hfTokenizer(files: TextFiles): HfTokenizer {
  const pipeline = textPipeline(files.tokenizer);
  const model = readBpe(files.tokenizer.model);
  const addedTokens = readAddedTokens(files);
  const { isByteLevel } = pipeline;
  const flagged = new Set([...addedTokens.values()].filter((token) => token.isSpecial).map((token) => token.id));
  const bpe = new Bpe(model, { isByteLevel });
  bpe.forbid(flagged);
  const plain = encoder(pipeline, bpe, []);
  const specials = [...addedTokens.values()].filter((token) => !isText(token, plain));
  const forbidden = new Set(specials.map((token) => token.id));
  bpe.forbid(forbidden);
  const texts = [...addedTokens.values()].filter((token) => !forbidden.has(token.id));
  const names = namesOf(model.vocabulary, addedTokens);
  const ids = new Map(specials.map((token) => [token.name, token.id]));
  const named = namedTokens(files.config);
  return {
    vocabSize: names.length,
    encode: encoder(pipeline, bpe, texts),
    encodeWithSpecials: encoder(pipeline, bpe, [...addedTokens.values()]),
    decode: tokenText(pipeline.decoder, names),
    special(name) {
      const id = ids.get(name);
      if (id === undefined) throw new ConfigError(`the tokenizer has no control token ${name}`);
      return id;
    },
    bosToken: ids.get(named.bos_token ?? ''),
    eosToken: ids.get(named.eos_token ?? ''),
    isByteLevel,
    hasByteFallback: model.settings.byte_fallback === true,
    addedTokens,
    specials: ids,
    namedTokens: named,
  };
}

/** Whether the model's own merges make the token of its name: then it is ordinary text, looked for only to be found sooner. */
function isText(token: AddedToken, encode: (text: string) => number[]): boolean {
  const ids = encode(token.name);
  return !token.isSpecial && ids.length === 1 && ids[0] === token.id;
}

function namesOf(
  vocabulary: ReadonlyMap<string, number>,
  added: ReadonlyMap<string, AddedToken>,
): readonly (string | undefined)[] {
  const names: (string | undefined)[] = [];
  for (const [name, id] of vocabulary) names[id] = name;
  for (const { name, id } of added.values()) names[id] = name;
  return names;
}

/** Looks for the tokens, first in the text as it came, then in what is left of it normalized; the rest is words. */
function encoder(
  pipeline: TextPipeline,
  bpe: Bpe,
  tokens: readonly AddedToken[],
): (text: string, marker?: string) => number[] {
  const raw = new TokenFinder(tokens.filter((token) => !token.isNormalized));
  const normalized = tokens.filter((token) => token.isNormalized && pipeline.normalize(token.name) !== '');
  const inNormalized = new TokenFinder(normalized, (token) => pipeline.normalize(token.name));
  return (text, marker) => {
    const ids: number[] = [];
    for (const [i, part] of unmarked(raw.split(text), marker).entries()) {
      if (part.token !== undefined) {
        ids.push(part.token.id);
        continue;
      }
      const stretches = unmarked(inNormalized.split(pipeline.normalize(part.text)), marker);
      for (const [j, stretch] of stretches.entries()) {
        const words = marker === undefined ? stretch.text : stretch.text.replaceAll(marker, '');
        if (stretch.token !== undefined) ids.push(stretch.token.id);
        else for (const word of pipeline.split(words, i + j === 0)) bpe.encode(word, ids);
      }
    }
    return ids;
  };
}

/** A name of one character has its marker behind it: with the texts beside it, it is text. */
function unmarked(parts: readonly TextPart[], marker: string | undefined): readonly TextPart[] {
  if (marker === undefined || parts.length < 2) return parts;
  const joined: TextPart[] = [];
  for (const [i, part] of parts.entries()) {
    const isMarked = part.token?.name.length === 1 && parts[i + 1]?.text.startsWith(marker) === true;
    const last = joined.at(-1);
    if (part.token !== undefined && !isMarked) joined.push(part);
    else if (last === undefined || last.token !== undefined) joined.push({ text: part.text });
    else joined[joined.length - 1] = { text: last.text + part.text };
  }
  return joined;
}
