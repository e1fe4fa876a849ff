import * as z from 'zod';
import { ConfigError } from '../errors.js';
import { characterOfByte } from './byte-alphabet.js';
import { mergeSymbols } from './merge-symbols.js';
import { MergeTable, noMerge } from './merge-table.js';

/** What a word may be long, in UTF-16 units, to be remembered, and how many words are. */
const CACHED_LENGTH = 64;
const CACHED_WORDS = 50_000;
const BYTE_NAME = /^<0x[0-9A-F]{2}>$/;

const modelSchema = z.looseObject({
  type: z.literal('BPE').optional(),
  unk_token: z.string().nullish(),
  continuing_subword_prefix: z.literal('').nullish(),
  end_of_word_suffix: z.literal('').nullish(),
  fuse_unk: z.boolean().nullish(),
  byte_fallback: z.boolean().nullish(),
  ignore_merges: z.boolean().nullish(),
  merges: z.array(z.unknown()),
});
type BpeSettings = z.infer<typeof modelSchema>;

/** The `model` of a tokenizer.json: byte-pair encoding over a vocabulary. */
export interface BpeModel {
  readonly vocabulary: ReadonlyMap<string, number>;
  readonly settings: BpeSettings;
  /** Two names and the name of what they merge to, in the order of merging. */
  readonly merges: readonly (readonly [left: number, right: number, result: number])[];
}

/** Checks the model and looks its merges up; throws ConfigError where it is no byte-pair encoding or broken. */
export function readBpe(model: unknown): BpeModel {
  const settings = modelSchema.safeParse(model);
  if (!settings.success) {
    throw new ConfigError(`tokenizer.json: the model is not a byte-pair encoding: ${z.prettifyError(settings.error)}`);
  }
  const vocabulary = readVocabulary(settings.data.vocab);
  return { vocabulary, settings: settings.data, merges: settings.data.merges.map((m) => readMerge(m, vocabulary)) };
}

function readVocabulary(vocab: unknown): ReadonlyMap<string, number> {
  if (typeof vocab !== 'object' || vocab === null || Array.isArray(vocab)) {
    throw new ConfigError('tokenizer.json: model.vocab is not an object of names and ids');
  }
  const vocabulary = new Map<string, number>();
  for (const [name, id] of Object.entries(vocab)) {
    if (!isTokenId(id)) throw new ConfigError(`tokenizer.json: token ${JSON.stringify(name)} has id ${String(id)}`);
    vocabulary.set(name, id);
  }
  return vocabulary;
}

/** Ids index the rows of an embedding, so they are small. */
export function isTokenId(id: unknown): id is number {
  return typeof id === 'number' && Number.isInteger(id) && id >= 0 && id < 2 ** 24;
}

function readMerge(merge: unknown, vocabulary: ReadonlyMap<string, number>): [number, number, number] {
  const [left, right, ...others]: unknown[] =
    typeof merge === 'string' ? merge.split(' ') : Array.isArray(merge) ? merge : [];
  if (typeof left !== 'string' || typeof right !== 'string' || others.length > 0) {
    throw new ConfigError(`tokenizer.json: merge ${JSON.stringify(merge)} does not name two tokens`);
  }
  const [a, b, result] = [vocabulary.get(left), vocabulary.get(right), vocabulary.get(left + right)];
  if (a === undefined || b === undefined || result === undefined) {
    throw new ConfigError(
      `tokenizer.json: merge ${JSON.stringify(merge)} names a token that model.vocab does not have`,
    );
  }
  return [a, b, result];
}

export interface BpeOptions {
  /** Whether the vocabulary is written in the byte alphabet. */
  readonly isByteLevel: boolean;
}

/** Turns words into the ids of a byte-pair encoding, all but those that are forbidden; remembers short words. */
export class Bpe {
  readonly #model: BpeModel;
  readonly #vocabulary: ReadonlyMap<string, number>;
  readonly #settings: BpeSettings;
  readonly #isByteLevel: boolean;
  readonly #merges: MergeTable;
  readonly #forbidden = new Set<number>();
  readonly #byteIds: readonly (number | undefined)[];
  /** Pairs of neighbouring UTF-16 units within tokens; undefined where words may not be cut. */
  readonly #inner: ReadonlySet<number> | undefined;
  readonly #cache = new Map<string, readonly number[]>();
  readonly #unknown: number | undefined;

  constructor(model: BpeModel, options: BpeOptions) {
    this.#model = model;
    this.#vocabulary = model.vocabulary;
    this.#settings = model.settings;
    this.#isByteLevel = options.isByteLevel;
    this.#unknown = model.vocabulary.get(model.settings.unk_token ?? '');
    this.#merges = new MergeTable(model.merges.length);
    for (const [rank, [left, right, result]] of model.merges.entries()) {
      this.#merges.set(left, right, { rank, result });
    }
    this.#byteIds = characterOfByte.map((character, byte) =>
      model.vocabulary.get(options.isByteLevel ? character : byteName(byte)),
    );
    this.#inner = this.#mayCut(model) ? innerPairs(model.vocabulary.keys()) : undefined;
  }

  /** No text becomes these ids any more. */
  forbid(ids: ReadonlySet<number>): void {
    for (const id of ids) this.#forbidden.add(id);
    for (const [left, right, result] of this.#model.merges) {
      if (ids.has(result)) this.#merges.set(left, right, noMerge);
    }
    this.#cache.clear();
  }

  /** Appends the ids of a word, which is one piece of the pre-tokenizer's. */
  encode(word: string, into: number[]): void {
    let start = 0;
    const last = this.#inner === undefined || word.length <= CACHED_LENGTH ? 0 : word.length - 1;
    for (let i = 1; i <= last; i++) {
      const right = word.charCodeAt(i);
      if (isLowSurrogate(right) || this.#inner?.has(pairKey(word.charCodeAt(i - 1), right))) continue;
      this.#encodePart(word.slice(start, i), into);
      start = i;
    }
    this.#encodePart(word.slice(start), into);
  }

  /** Where no token spans two neighbouring characters, no merge does: what lies on either side is independent. */
  #mayCut({ settings, merges, vocabulary }: BpeModel): boolean {
    if (this.#isByteLevel || (settings.fuse_unk === true && settings.byte_fallback !== true)) return false;
    if (settings.ignore_merges === true) return false;
    const bytes = new Set([...vocabulary].filter(([name]) => BYTE_NAME.test(name)).map(([, id]) => id));
    return !merges.some(([left, right]) => bytes.has(left) || bytes.has(right));
  }

  #encodePart(word: string, into: number[]): void {
    const known = this.#cache.get(word);
    const ids = known ?? this.#merge(word);
    for (const id of ids) into.push(id);
    if (known !== undefined || word.length > CACHED_LENGTH) return;
    if (this.#cache.size >= CACHED_WORDS) this.#cache.clear();
    this.#cache.set(word, ids);
  }

  #merge(word: string): readonly number[] {
    const bytes = this.#isByteLevel ? new TextEncoder().encode(word) : undefined;
    if (this.#settings.ignore_merges === true) {
      const name = bytes === undefined ? word : Array.from(bytes, (byte) => characterOfByte[byte]).join('');
      const whole = this.#idOf(name);
      if (whole !== undefined) return [whole];
    }
    return mergeSymbols(bytes === undefined ? this.#characters(word) : this.#bytes(bytes), this.#merges);
  }

  #bytes(bytes: Uint8Array): number[] {
    const symbols: number[] = [];
    for (const byte of bytes) {
      const id = this.#byteIds[byte] ?? this.#unknown;
      if (id !== undefined) symbols.push(id);
    }
    return symbols;
  }

  #characters(word: string): number[] {
    const symbols: number[] = [];
    for (const character of word) {
      const id = this.#idOf(character);
      if (id !== undefined) symbols.push(id);
      else this.#pushUnknown(character, symbols);
    }
    return symbols;
  }

  /** A character outside of the vocabulary: its bytes where they are in it, else the token for what is unknown, else nothing. */
  #pushUnknown(character: string, symbols: number[]): void {
    const bytes = this.#settings.byte_fallback === true ? new TextEncoder().encode(character) : [];
    const ids = Array.from(bytes, (byte) => this.#byteIds[byte]).filter((id) => id !== undefined);
    if (ids.length > 0 && ids.length === bytes.length) symbols.push(...ids);
    else if (this.#unknown === undefined) return;
    else if (this.#settings.fuse_unk !== true || symbols.at(-1) !== this.#unknown) symbols.push(this.#unknown);
  }

  #idOf(name: string): number | undefined {
    const id = this.#vocabulary.get(name);
    return id === undefined || this.#forbidden.has(id) ? undefined : id;
  }
}

/** How vocabularies with byte fallback call a byte. */
export function byteName(byte: number): string {
  return `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`;
}

function innerPairs(names: Iterable<string>): Set<number> {
  const pairs = new Set<number>();
  for (const name of names) {
    for (let i = 1; i < name.length; i++) pairs.add(pairKey(name.charCodeAt(i - 1), name.charCodeAt(i)));
  }
  return pairs;
}

function pairKey(left: number, right: number): number {
  return left * 0x10000 + right;
}

function isLowSurrogate(unit: number): boolean {
  return unit >= 0xdc00 && unit <= 0xdfff;
}
