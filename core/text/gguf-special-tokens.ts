import type { GgufMetadata } from '../model/gguf/metadata.js';
import { type GgufToken, namedId } from './gguf-vocabulary.js';

/** Tokens with a part to play, as far as the metadata name them. */
export interface SpecialTokens {
  readonly addsBos: boolean;
  readonly addsEos: boolean;
  readonly names: { readonly [role in Role]?: string };
  readonly ids: { readonly [role in Role]?: number };
}

const roles = ['bos_token', 'eos_token', 'unk_token', 'pad_token'] as const;
type Role = (typeof roles)[number];
const KEYS = {
  bos_token: 'bos_token_id',
  eos_token: 'eos_token_id',
  unk_token: 'unknown_token_id',
  pad_token: 'padding_token_id',
} as const;

/** `addsBos` holds where the metadata do not say. */
export function specialTokens(metadata: GgufMetadata, tokens: readonly GgufToken[], addsBos: boolean): SpecialTokens {
  const found = roles.flatMap((role) => {
    const id = namedId(metadata, KEYS[role]);
    const text = tokens[id ?? -1]?.text;
    return id === undefined || text === undefined ? [] : [{ role, id, text }];
  });
  return {
    addsBos: flag(metadata, 'add_bos_token') ?? addsBos,
    addsEos: flag(metadata, 'add_eos_token') ?? false,
    names: Object.fromEntries(found.map(({ role, text }) => [role, text])),
    ids: Object.fromEntries(found.map(({ role, id }) => [role, id])),
  };
}

function flag(metadata: GgufMetadata, key: string): boolean | undefined {
  const value = metadata.get(`tokenizer.ggml.${key}`);
  return typeof value === 'boolean' ? value : undefined;
}

/** The post_processor of a tokenizer.json: puts bos before and eos behind a text where the model wants them. */
export function postProcessor({ addsBos, addsEos, names, ids }: SpecialTokens) {
  const around = (wanted: boolean, role: Role) => {
    const [id, ids_] = [names[role], ids[role]];
    return wanted && id !== undefined && ids_ !== undefined ? [{ id, ids: [ids_], tokens: [id] }] : [];
  };
  const [before, after] = [around(addsBos, 'bos_token'), around(addsEos, 'eos_token')];
  if (before.length + after.length === 0) return null;
  const sequence = (id: string, type_id: number) => [
    ...before.map((token) => ({ SpecialToken: { id: token.id, type_id } })),
    { Sequence: { id, type_id } },
    ...after.map((token) => ({ SpecialToken: { id: token.id, type_id } })),
  ];
  return {
    type: 'TemplateProcessing',
    single: sequence('A', 0),
    pair: [...sequence('A', 0), ...sequence('B', 1)],
    special_tokens: Object.fromEntries([...before, ...after].map((token) => [token.id, token])),
  };
}

/** The content of generation_config.json: where a text ends, that is the end of the text, of a turn and of a message, as far as the metadata names them. */
export function generationConfig(metadata: GgufMetadata, tokens: readonly GgufToken[]) {
  const idOf = (key: string) => {
    const id = namedId(metadata, key);
    return id !== undefined && id < tokens.length ? id : undefined;
  };
  const ends = ['eos_token_id', 'eot_token_id', 'eom_token_id'].flatMap((key) => idOf(key) ?? []);
  const distinct = [...new Set(ends)];
  const [bos, pad] = [idOf('bos_token_id'), idOf('padding_token_id')];
  return {
    ...(bos !== undefined && { bos_token_id: bos }),
    ...(distinct.length > 0 && { eos_token_id: distinct.length === 1 ? distinct[0] : distinct }),
    ...(pad !== undefined && { pad_token_id: pad }),
  };
}
