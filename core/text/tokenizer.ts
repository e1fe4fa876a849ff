/** Text to tokens and back. Control tokens exist beside the text: no text ever encodes to one unless that is asked for. */
export interface Tokenizer {
  readonly vocabSize: number;
  /** Never contains control tokens: their names inside a text are encoded as ordinary text. */
  encode(text: string): number[];
  /** Control tokens appear as their names, what is no text as U+FFFD; never throws. */
  decode(tokens: readonly number[]): string;
  /** The control token of that name, such as `<|im_end|>`; throws ConfigError when the vocabulary has none. */
  special(name: string): number;
}
