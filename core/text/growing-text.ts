import type { Tokenizer } from './tokenizer.js';

const REPLACEMENT = '\u{fffd}';
/** How many tokens are decoded together; what a token becomes depends on few before it. */
const WINDOW = 16;

/** Text that grows token by token, given out in whole characters: the bytes of an unfinished one are held back. */
export class GrowingText {
  readonly #decode: Tokenizer['decode'];
  /** The last tokens, and what of their text was given out. */
  #window: number[] = [];
  #told = '';

  constructor({ decode }: Pick<Tokenizer, 'decode'>) {
    this.#decode = decode;
  }

  /** The text that these tokens finish; may be empty. */
  push(tokens: readonly number[]): string {
    if (tokens.length === 0) return '';
    this.#window.push(...tokens);
    const text = this.#decode(this.#window);
    if (text.endsWith(REPLACEMENT) || !text.startsWith(this.#told)) return '';
    const grown = text.slice(this.#told.length);
    this.#told = text;
    this.#shorten();
    return grown;
  }

  /** What was held back, when nothing follows: bytes of no character as U+FFFD. */
  end(): string {
    const text = this.#decode(this.#window);
    const held = text.slice(commonLength(text, this.#told));
    this.#window = [];
    this.#told = '';
    return held;
  }

  /** Tokens are let go of where those that stay have the same text without them. */
  #shorten(): void {
    if (this.#window.length < 2 * WINDOW) return;
    const window = this.#window.slice(-WINDOW);
    const text = this.#decode(window);
    if (text === '' || text.startsWith(REPLACEMENT) || !this.#told.endsWith(text)) return;
    this.#window = window;
    this.#told = text;
  }
}

function commonLength(a: string, b: string): number {
  let length = 0;
  while (length < a.length && a[length] === b[length]) length++;
  return length;
}
