import type { Tokenizer } from '../core/text/tokenizer.js';

/** A stretch of a rendered chat: text that is only text, or the name of one control token. */
export type ChatPiece = { readonly text: string } | { readonly control: string };

const CONTROL_TOKENS = /(<\|im_start\|>|<\|im_end\|>|<\/?tool_call>|<\/?tool_response>)/;

/**
 * Template tag: control tokens named in the literal parts become control tokens; what is interpolated stays text
 * whatever it says, so no message and no tool output can forge the end of a turn.
 */
export function chat(literals: TemplateStringsArray, ...values: (string | readonly ChatPiece[])[]): ChatPiece[] {
  return literals.flatMap((literal, i) => [...literalPieces(literal), ...valuePieces(values[i] ?? '')]);
}

/** The tokens of the pieces; neighbouring texts are encoded as one, as a tokenizer that merges would see them. */
export function encodePieces(tokenizer: Tokenizer, pieces: readonly ChatPiece[]): number[] {
  const runs: number[][] = [];
  let text = '';
  for (const piece of pieces) {
    if ('text' in piece) {
      text += piece.text;
      continue;
    }
    runs.push(tokenizer.encode(text), [tokenizer.special(piece.control)]);
    text = '';
  }
  runs.push(tokenizer.encode(text));
  return runs.flat();
}

function literalPieces(literal: string): ChatPiece[] {
  return literal.split(CONTROL_TOKENS).map((part) => (CONTROL_TOKENS.test(part) ? { control: part } : { text: part }));
}

function valuePieces(value: string | readonly ChatPiece[]): readonly ChatPiece[] {
  return typeof value === 'string' ? [{ text: value }] : value;
}
