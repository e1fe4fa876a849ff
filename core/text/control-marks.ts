import type { AddedToken } from './added-tokens.js';
import { TokenFinder } from './token-finder.js';

/** Private-use characters: they mean nothing to anybody, and no string function of a template changes them. */
const FIRST_PRIVATE = 0xe000;
const LAST_PRIVATE = 0xf8ff;

/** The first private-use character that the text does not have. */
export function unusedCharacter(text: string): string {
  for (let code = FIRST_PRIVATE; code < LAST_PRIVATE; code++) {
    const character = String.fromCharCode(code);
    if (!text.includes(character)) return character;
  }
  return String.fromCharCode(LAST_PRIVATE);
}

/** Marks the names of control tokens in texts, so that a tokenizer that looks for them passes them over. */
export class ControlMarks {
  readonly #finder: TokenFinder;
  /** Every beginning of a name that is not the whole name. */
  readonly #beginnings: ReadonlySet<string>;
  readonly #longest: number;

  constructor(tokens: Iterable<AddedToken>) {
    const plain = Array.from(tokens, (token) => ({
      ...token,
      isSingleWord: false,
      stripsLeft: false,
      stripsRight: false,
    }));
    this.#finder = new TokenFinder(plain);
    this.#beginnings = new Set(plain.flatMap(({ name }) => Array.from(name.slice(1), (_, i) => name.slice(0, i + 1))));
    this.#longest = plain.reduce((longest, { name }) => Math.max(longest, name.length), 0);
  }

  /**
   * The text with the marker behind the first UTF-16 unit of every name, and of a name that the text ends in the middle of, so
   * that what a template writes next does not complete it.
   */
  mark(text: string, marker: string): string {
    return this.#finder
      .split(text)
      .map((part) => this.#markPart(part, marker))
      .join('');
  }

  #markPart({ text, token }: { readonly text: string; readonly token?: AddedToken }, marker: string): string {
    if (token !== undefined) return marked(text, 0, marker);
    const end = text.trimEnd().length;
    let result = text;
    for (let at = end - 1; at >= Math.max(0, end - this.#longest); at--) {
      if (this.#beginnings.has(text.slice(at, end))) result = marked(result, at, marker);
    }
    return result;
  }
}

function marked(text: string, at: number, marker: string): string {
  return text.slice(0, at + 1) + marker + text.slice(at + 1);
}
