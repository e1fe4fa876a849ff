import type { AttentionRules } from './attention-rules.js';
import type { KvPages } from './kv-pages.js';

/** Which new tokens belong to which cached sequence, S of them. */
export interface CachedPass {
  readonly pages: KvPages;
  /** [S]: positions of each sequence that are in its pages already. */
  readonly lengths: Int32Array;
  /** [S + 1], ascending from 0 to N: the new tokens of sequence s are the rows from offsets[s] up to offsets[s + 1]. */
  readonly offsets: Int32Array;
  /** Page numbers; those of sequence s begin at blocks[blockOffsets[s]], enough for its cached and new positions. */
  readonly blocks: Int32Array;
  /** [S + 1] */
  readonly blockOffsets: Int32Array;
}

/** The same for one layer, with its rules. */
export type LayerPass = CachedPass & AttentionRules & { readonly layer: number };
