import * as z from 'zod';
import { byteName } from './bpe.js';
import { byteOfCharacter } from './byte-alphabet.js';
import type { Decoder } from './text-pipeline.js';

const REPLACEMENT = '\u{fffd}';
const BYTE_OF_NAME: ReadonlyMap<string, number> = new Map(
  Array.from({ length: 256 }, (_, byte) => [byteName(byte), byte]),
);

/** Turns tokens back into text. */
export type DecodeTokens = (tokens: readonly number[]) => string;

/** The decoder of a tokenizer.json over the names of its tokens; what is no text becomes U+FFFD. */
export function tokenText(decoder: Decoder | undefined, names: readonly (string | undefined)[]): DecodeTokens {
  const config: unknown = decoder?.config;
  if (byteLevelSchema.safeParse(config).success) return decodeBytes(names);
  const fallback = fallbackSchema.safeParse(config);
  if (fallback.success) return decodeFallback(names, fallback.data.decoders);
  return (tokens) => {
    const known = tokens.map((token) => names[token] ?? REPLACEMENT);
    return decoder === undefined ? known.join(' ') : decoder.decode(known);
  };
}

const byteLevelSchema = z.looseObject({ type: z.literal('ByteLevel') });

/** Each name is written in the byte alphabet; a name with other characters stands for itself. */
function decodeBytes(names: readonly (string | undefined)[]): DecodeTokens {
  const known = new Map<number, Uint8Array>();
  const bytesOf = (token: number): Uint8Array => {
    const before = known.get(token);
    if (before !== undefined) return before;
    const name = names[token] ?? REPLACEMENT;
    const bytes = Array.from(name, (character) => byteOfCharacter.get(character));
    const whole = bytes.filter((byte) => byte !== undefined);
    const made = whole.length === bytes.length ? Uint8Array.from(whole) : new TextEncoder().encode(name);
    if (token < names.length) known.set(token, made);
    return made;
  };
  return (tokens) => {
    const parts = tokens.map(bytesOf);
    const joined = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
    let at = 0;
    for (const part of parts) {
      joined.set(part, at);
      at += part.length;
    }
    return new TextDecoder('utf-8', { ignoreBOM: true }).decode(joined);
  };
}

const stepSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('Replace'), pattern: z.object({ String: z.string() }), content: z.string() }),
  z.object({ type: z.literal('ByteFallback') }),
  z.object({ type: z.literal('Fuse') }),
  z.object({ type: z.literal('Strip'), content: z.string(), start: z.number(), stop: z.number() }),
]);
const fallbackSchema = z.looseObject({ type: z.literal('Sequence'), decoders: z.array(stepSchema) });

/** SentencePiece's way: names with a sign for the space, bytes as tokens of their own. */
function decodeFallback(
  names: readonly (string | undefined)[],
  steps: readonly z.infer<typeof stepSchema>[],
): DecodeTokens {
  const replacements = steps.filter((step) => step.type === 'Replace');
  const strips = steps.filter((step) => step.type === 'Strip');
  return (tokens) => {
    let text = '';
    let bytes: number[] = [];
    for (const token of tokens) {
      const name = names[token] ?? REPLACEMENT;
      const byte = BYTE_OF_NAME.get(name);
      if (byte !== undefined) {
        bytes.push(byte);
        continue;
      }
      text += byteText(bytes);
      text += replacements.reduce((part, { pattern, content }) => part.replaceAll(pattern.String, () => content), name);
      bytes = [];
    }
    return strips.reduce(strip, text + byteText(bytes));
  };
}

/** A run of bytes is text as a whole or not at all. */
function byteText(bytes: readonly number[]): string {
  if (bytes.length === 0) return '';
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Uint8Array.from(bytes));
  } catch {
    return REPLACEMENT.repeat(bytes.length);
  }
}

function strip(text: string, { content, start, stop }: { content: string; start: number; stop: number }): string {
  let from = 0;
  let to = text.length;
  for (let i = 0; i < start && text.startsWith(content, from); i++) from += content.length;
  for (let i = 0; i < stop && to > from && text.endsWith(content, to); i++) to -= content.length;
  return text.slice(from, to);
}
