import type { CachedPass } from '../tensor/cached-pass.js';
import type { KvPages } from '../tensor/kv-pages.js';
import type { RowSampling } from '../tensor/sample-tokens.js';
import type { PagedSequence } from './paged-sequence.js';

/** Bounds the memory of a pass: beyond so many tokens, pieces of prompts wait for the next one. */
const maxPassTokens = 8192;

/** One forward pass of the sampler over N new tokens. */
export interface SamplerPass {
  readonly parts: readonly { readonly sequence: PagedSequence; readonly count: number }[];
  /** [N] each. */
  readonly tokens: Int32Array;
  readonly positions: Int32Array;
  readonly cached: CachedPass;
  /** The sequences that have been read to their end and get a token, and which of the N rows is the last of each. */
  readonly sampling: readonly PagedSequence[];
  readonly lastRows: Int32Array;
}

/** Decides what is read next, in the order of arrival, and gives it pages: a token of those that run, a piece of a prompt of the others. */
export function samplerPass(sequences: readonly PagedSequence[], pages: KvPages): SamplerPass {
  const chosen = choose(sequences);
  for (const { sequence, next } of chosen) sequence.reserve(next.length);
  const offsets = runningSum(chosen.map(({ next }) => next.length));
  const last = chosen.flatMap(({ sequence, next }, s) =>
    sequence.isReadAfter(next.length) ? [{ sequence, row: (offsets[s + 1] ?? 0) - 1 }] : [],
  );
  return {
    parts: chosen.map(({ sequence, next }) => ({ sequence, count: next.length })),
    tokens: Int32Array.from(chosen.flatMap(({ next }) => next)),
    positions: Int32Array.from(chosen.flatMap(({ sequence, next }) => next.map((_, i) => sequence.cached + i))),
    cached: {
      pages,
      lengths: Int32Array.from(chosen, ({ sequence }) => sequence.cached),
      offsets,
      blocks: Int32Array.from(chosen.flatMap(({ sequence }) => sequence.pages)),
      blockOffsets: runningSum(chosen.map(({ sequence }) => sequence.pages.length)),
    },
    sampling: last.map(({ sequence }) => sequence),
    lastRows: Int32Array.from(last, ({ row }) => row),
  };
}

/** Everything that runs, then prompts while there is room; always something. */
function choose(
  sequences: readonly PagedSequence[],
): { readonly sequence: PagedSequence; readonly next: readonly number[] }[] {
  const running = sequences.filter(({ sampledCount }) => sampledCount > 0);
  const chosen = running.map((sequence) => ({ sequence, next: sequence.next() }));
  let room = maxPassTokens - running.length;
  for (const sequence of sequences.filter(({ sampledCount }) => sampledCount === 0)) {
    const next = sequence.next();
    room -= next.length;
    if (room < 0 && chosen.length > 0) break;
    chosen.push({ sequence, next });
  }
  return chosen;
}

/** How each sequence's next token is sampled. */
export function rowSampling(sequences: readonly PagedSequence[]): RowSampling {
  return {
    temperature: Float32Array.from(sequences, ({ sampling }) => sampling.temperature),
    topK: Int32Array.from(sequences, ({ cut }) => cut.topK),
    topP: Float32Array.from(sequences, ({ cut }) => cut.topP),
    minP: Float32Array.from(sequences, ({ cut }) => cut.minP),
    seeds: Uint32Array.from(sequences, ({ sampling }) => sampling.seed),
    counters: Uint32Array.from(sequences, ({ sampledCount }) => sampledCount),
  };
}

/** [n + 1]: 0, then the sums of the first 1, 2, … counts. */
function runningSum(counts: readonly number[]): Int32Array {
  const sums = new Int32Array(counts.length + 1);
  counts.forEach((count, i) => {
    sums[i + 1] = (sums[i] ?? 0) + count;
  });
  return sums;
}
