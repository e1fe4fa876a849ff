/** What a checkpoint says of text, as Hugging Face's files have it. */
export interface TextFiles {
  /** The content of tokenizer.json. */
  readonly tokenizer: { readonly [key: string]: unknown };
  /** The content of tokenizer_config.json; empty where there is none. */
  readonly config: { readonly [key: string]: unknown };
  /** Jinja source; undefined where the model has none. */
  readonly chatTemplate: string | undefined;
  /** Content of generation_config.json: how its makers sample, and which tokens end a turn; empty where there is none. */
  readonly generation: { readonly [key: string]: unknown };
}
