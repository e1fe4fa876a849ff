import { z } from 'zod';
import { ConfigError } from '../errors.js';
import type { GgufPair } from '../model/gguf/metadata.js';
import { type GgufPreTokenizer, preTokenizerLike, splitsOfStep } from './gguf-pre-tokenizers.js';
import { SPACE, tokenType } from './gguf-vocabulary.js';
import type { TextFiles } from './text-files.js';

const step = z.looseObject({ type: z.string() });
const steps = step.nullish().transform((value) => value ?? undefined);
/** Whole checks, not one a value: vocabularies have hundreds of thousands, and a token may be called __proto__. */
const vocabSchema = z.custom<{ readonly [token: string]: number }>(isVocab, 'not ids by token');
const mergesSchema = z
  .custom<readonly Merge[]>(isMerges, 'not a list of pairs')
  .transform((merges) => merges.map(partsOf));
const tokenizerSchema = z.object({
  added_tokens: z.array(z.object({ id: z.int().min(0), content: z.string(), special: z.boolean() })).default([]),
  normalizer: steps,
  pre_tokenizer: steps,
  post_processor: steps,
  decoder: steps,
  model: z.object({
    type: z.literal('BPE').default('BPE'),
    vocab: vocabSchema,
    merges: mergesSchema,
    unk_token: z.string().nullish(),
    byte_fallback: z.boolean().nullish(),
    ignore_merges: z.boolean().nullish(),
  }),
});
type TokenizerJson = z.output<typeof tokenizerSchema>;
type Step = z.output<typeof step>;

/**
 * What a GGUF file has to say of text, in llama.cpp's words, for a model with `vocabSize` embeddings: ids without a token
 * are filled up, added tokens behind the last embedding left out. Throws ConfigError,
 * naming `source`, when llama.cpp has no such tokenizer.
 */
export function ggufTextMetadata(text: TextFiles, vocabSize: number, source: string): readonly GgufPair[] {
  const parsed = tokenizerSchema.safeParse(text.tokenizer);
  if (!parsed.success)
    throw new ConfigError(
      `the tokenizer of ${source} is not one of BPE as GGUF needs it: ${z.prettifyError(parsed.error)}`,
    );
  const tokenizer = parsed.data;
  const rows = vocabularyRows(tokenizer, vocabSize, source);
  const kind = tokenizer.model.byte_fallback
    ? sentencePiecePairs(tokenizer, rows, source)
    : byteLevelPairs(tokenizer, source);
  const template = text.chatTemplate ?? text.config.chat_template;
  return [
    ...kind,
    { key: 'tokenizer.ggml.tokens', type: 'array', of: 'string', value: rows.map(({ spelling }) => spelling) },
    { key: 'tokenizer.ggml.token_type', type: 'array', of: 'int32', value: rows.map(({ type }) => type) },
    ...specialPairs(text, tokenizer, rows),
    ...(typeof template === 'string'
      ? [{ key: 'tokenizer.chat_template', type: 'string', value: template } as const]
      : []),
  ];
}

interface Row {
  readonly content: string;
  /** As llama.cpp has it. */
  readonly spelling: string;
  readonly type: number;
}

function vocabularyRows(
  { added_tokens: added, model }: TokenizerJson,
  vocabSize: number,
  source: string,
): readonly Row[] {
  const rows = Array.from(
    { length: vocabSize },
    (_, id): Row => ({ content: `[PAD${id}]`, spelling: `[PAD${id}]`, type: tokenType.unused }),
  );
  for (const [content, id] of Object.entries(model.vocab)) {
    if (id >= vocabSize)
      throw new ConfigError(
        `the tokenizer of ${source} has the token ${JSON.stringify(content)} with id ${id}, the model ${vocabSize} embeddings; take the tokenizer that belongs to it`,
      );
    const isByte = model.byte_fallback === true && /^<0x[\dA-F]{2}>$/.test(content);
    rows[id] = { content, spelling: content, type: isByte ? tokenType.byte : tokenType.normal };
  }
  for (const { id, content, special } of added) {
    if (id >= vocabSize) continue;
    if (content === model.unk_token) rows[id] = { content, spelling: content, type: tokenType.unknown };
    else if (special || looksSpecial(content)) rows[id] = { content, spelling: content, type: tokenType.control };
    else rows[id] = { content, spelling: content.replaceAll(SPACE, ' '), type: tokenType.userDefined };
  }
  return rows;
}

/** llama.cpp's converter takes these for control tokens whatever the tokenizer says, so files people have say so too. */
function looksSpecial(content: string): boolean {
  return (
    ['<pad>', '<mask>', '<2mass>', '[@BOS@]'].includes(content) || /^(<\|.*\|>|<｜.*｜>|<unused.*>)$/s.test(content)
  );
}

function byteLevelPairs(tokenizer: TokenizerJson, source: string): readonly GgufPair[] {
  const { merges } = tokenizer.model;
  // A space would be taken for the one between the two parts.
  const value = merges.map((pair) => pair.map((part) => part.replaceAll(' ', '\u0120')).join(' '));
  return [
    { key: 'tokenizer.ggml.model', type: 'string', value: 'gpt2' },
    { key: 'tokenizer.ggml.pre', type: 'string', value: preTokenizerOf(tokenizer, source).names[0] },
    { key: 'tokenizer.ggml.merges', type: 'array', of: 'string', value },
  ];
}

function preTokenizerOf({ normalizer, pre_tokenizer, model }: TokenizerJson, source: string): GgufPreTokenizer {
  const splits = flat(pre_tokenizer, 'pretokenizers').map(splitsOfStep);
  const forms = flat(normalizer, 'normalizers').map(({ type }) => type);
  const isNfc = forms.length === 1 && forms[0] === 'NFC';
  const row = preTokenizerLike({
    splits: splits.flatMap((names) => names ?? []),
    normalizer: isNfc ? 'NFC' : undefined,
    ignoreMerges: model.ignore_merges === true,
  });
  if (row !== undefined && !splits.includes(undefined) && (isNfc || forms.length === 0)) return row;
  throw new ConfigError(
    `llama.cpp knows no way to cut text like the tokenizer of ${source}: normalizer ${JSON.stringify(normalizer)}, pre_tokenizer ${JSON.stringify(pre_tokenizer)}, ignore_merges ${model.ignore_merges}`,
  );
}

function sentencePiecePairs(tokenizer: TokenizerJson, rows: readonly Row[], source: string): readonly GgufPair[] {
  return [
    { key: 'tokenizer.ggml.model', type: 'string', value: 'llama' },
    { key: 'tokenizer.ggml.pre', type: 'string', value: 'default' },
    { key: 'tokenizer.ggml.add_space_prefix', type: 'bool', value: hasSpacePrefix(tokenizer, source) },
    { key: 'tokenizer.ggml.scores', type: 'array', of: 'float32', value: scoresOf(tokenizer, rows) },
  ];
}

function hasSpacePrefix({ normalizer, pre_tokenizer }: TokenizerJson, source: string): boolean {
  const normalizers = flat(normalizer, 'normalizers');
  const odd = normalizers.find(({ type }) => type !== 'Prepend' && type !== 'Replace');
  if (odd !== undefined)
    throw new ConfigError(`llama.cpp cannot normalize text as the tokenizer of ${source} does: ${JSON.stringify(odd)}`);
  const metaspace = flat(pre_tokenizer, 'pretokenizers').find(({ type }) => type === 'Metaspace');
  return (
    normalizers.some(({ type }) => type === 'Prepend') ||
    (metaspace !== undefined && metaspace.prepend_scheme !== 'never' && metaspace.add_prefix_space !== false)
  );
}

/** The earlier the first merge that makes a token, the higher its score; what no merge makes is below. */
function scoresOf({ model }: TokenizerJson, rows: readonly Row[]): readonly number[] {
  const ranks = new Map<string, number>();
  for (const [left, right] of model.merges) if (!ranks.has(left + right)) ranks.set(left + right, ranks.size);
  return rows.map(({ content, type }) => {
    if (type === tokenType.unused) return -10_000;
    if (type === tokenType.normal) return -(ranks.get(content) ?? ranks.size);
    return type === tokenType.byte || type === tokenType.unknown ? 0 : -1_000;
  });
}

function specialPairs({ config, generation }: TextFiles, tokenizer: TokenizerJson, rows: readonly Row[]) {
  const idOf = (content: unknown) => rows.findIndex((row) => row.content === content);
  const named = (role: string) => idOf(contentOf(config[`${role}_token`]));
  const ends = endIds(generation);
  const eos = named('eos') >= 0 ? named('eos') : (ends[0] ?? -1);
  const [eot = -1, eom = -1] = ends.filter((id) => id !== eos && id < rows.length);
  const ids = [
    ['bos', named('bos')],
    ['eos', eos],
    ['eot', eot],
    ['eom', eom],
    ['unknown', named('unk') >= 0 ? named('unk') : idOf(tokenizer.model.unk_token)],
    ['padding', named('pad')],
  ] as const;
  return [
    ...ids.flatMap(([role, value]): GgufPair[] =>
      value < 0 ? [] : [{ key: `tokenizer.ggml.${role}_token_id`, type: 'uint32', value }],
    ),
    addsPair('bos', config, tokenizer),
    addsPair('eos', config, tokenizer),
  ];
}

function addsPair(role: 'bos' | 'eos', config: TextFiles['config'], tokenizer: TokenizerJson): GgufPair {
  const said = config[`add_${role}_token`];
  const value = typeof said === 'boolean' ? said : isPutAround(contentOf(config[`${role}_token`]), role, tokenizer);
  return { key: `tokenizer.ggml.add_${role}_token`, type: 'bool', value };
}

/** Whether the post-processor puts the token before (bos) or behind (eos) a text. */
function isPutAround(content: string | undefined, role: 'bos' | 'eos', { post_processor }: TokenizerJson): boolean {
  const template = flat(post_processor, 'processors').find(({ type }) => type === 'TemplateProcessing');
  const parsed = z
    .array(z.object({ SpecialToken: z.object({ id: z.string() }).optional() }))
    .safeParse(template?.single);
  const outer = parsed.data?.at(role === 'bos' ? 0 : -1)?.SpecialToken?.id;
  return outer !== undefined && outer === content;
}

function endIds(generation: TextFiles['generation']): readonly number[] {
  return (
    z
      .union([
        z.array(z.int().min(0)),
        z
          .int()
          .min(0)
          .transform((id) => [id]),
      ])
      .safeParse(generation.eos_token_id).data ?? []
  );
}

/** A token of tokenizer_config.json, which names it by its content or as an object. */
function contentOf(token: unknown): string | undefined {
  return z.union([z.string(), z.object({ content: z.string() }).transform(({ content }) => content)]).safeParse(token)
    .data;
}

/** The steps of a sequence, or the step itself. */
function flat(part: Step | undefined, list: string): readonly Step[] {
  if (part === undefined) return [];
  return part.type === 'Sequence' ? (z.array(step).safeParse(part[list]).data ?? [part]) : [part];
}

/** Older files have the parts in one string, with a space between them. */
type Merge = string | readonly [left: string, right: string];

function isVocab(value: unknown): boolean {
  return (
    typeof value === 'object' &&
    value !== null &&
    Object.values(value).every((id) => Number.isSafeInteger(id) && id >= 0)
  );
}

function isMerges(value: unknown): boolean {
  const isString = (part: unknown) => typeof part === 'string';
  return (
    Array.isArray(value) &&
    value.every((merge) => isString(merge) || (Array.isArray(merge) && merge.length === 2 && merge.every(isString)))
  );
}

function partsOf(merge: Merge): readonly [left: string, right: string] {
  if (typeof merge !== 'string') return merge;
  const cut = merge.indexOf(' ', 1);
  return cut < 0 ? [merge, ''] : [merge.slice(0, cut), merge.slice(cut + 1)];
}
