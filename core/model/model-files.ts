import type { TextFiles } from '../text/text-files.js';

/** A tensor of a checkpoint, as its file describes it. */
export interface TensorEntry {
  readonly shape: readonly number[];
  /** As the file calls it: F32, BF16, Q4_1 … */
  readonly dtype: string;
}

/** A checkpoint opened for reading, whatever its format. Holds at most one tensor's values at a time. */
export interface ModelFiles extends AsyncDisposable {
  /** What messages call it: a path or an id. */
  readonly source: string;
  /** The content of config.json, keys as Hugging Face spells them; made from the metadata where the format has none. */
  readonly config: { readonly [key: string]: unknown };
  /** By Hugging Face's names, such as `model.layers.0.self_attn.q_proj.weight`; matrices are [Out, In]. */
  readonly tensors: ReadonlyMap<string, TensorEntry>;
  /** What turns text into tokens; undefined where the checkpoint brings no tokenizer. */
  readonly text: TextFiles | undefined;
  /** The tensor's values as float32, row by row. Throws ConfigError when there is none of that name or the file is broken. */
  read(name: string, signal: AbortSignal): Promise<Float32Array>;
}
