import type { MergeTable } from './merge-table.js';

/** Up to so many symbols looking at all pairs for each merge is faster than keeping them in order. */
const FEW = 24;
const POSITIONS = 2 ** 32;

/**
 * Byte-pair encoding (arXiv:1508.07909): merges the earliest pair of the table, leftmost first, until none is left.
 * Time grows as n log n with the number of symbols.
 */
export function mergeSymbols(symbols: readonly number[], merges: MergeTable): number[] {
  return symbols.length <= FEW ? mergeFew(symbols, merges) : mergeMany(symbols, merges);
}

function mergeFew(symbols: readonly number[], merges: MergeTable): number[] {
  const merged = symbols.slice();
  for (;;) {
    let best = -1;
    let bestRank = Number.POSITIVE_INFINITY;
    for (let i = 0; i + 1 < merged.length; i++) {
      const rank = merges.rank(merged[i] ?? -1, merged[i + 1] ?? -1);
      if (rank < 0 || rank >= bestRank) continue;
      best = i;
      bestRank = rank;
    }
    if (best < 0) return merged;
    merged.splice(best, 2, merges.result(merged[best] ?? -1, merged[best + 1] ?? -1));
  }
}

/** A linked list of symbols, and a heap of the pairs that may be merged; pairs that are gone are passed over. */
function mergeMany(symbols: readonly number[], merges: MergeTable): number[] {
  const count = symbols.length;
  const ids = Int32Array.from(symbols);
  const next = Int32Array.from(symbols, (_, i) => (i + 1 < count ? i + 1 : -1));
  const previous = Int32Array.from(symbols, (_, i) => i - 1);
  const idAt = (at: number): number => ids[at] ?? -1;
  const nextOf = (at: number): number => next[at] ?? -1;
  const heap: number[] = [];
  const offer = (at: number): void => {
    const right = nextOf(at);
    const rank = right < 0 ? -1 : merges.rank(idAt(at), idAt(right));
    if (rank >= 0) push(heap, rank * POSITIONS + at);
  };
  for (let i = 0; i + 1 < count; i++) offer(i);
  for (let top = pop(heap); top !== undefined; top = pop(heap)) {
    const at = top % POSITIONS;
    const right = nextOf(at);
    if (idAt(at) < 0 || right < 0) continue;
    if (merges.rank(idAt(at), idAt(right)) !== Math.floor(top / POSITIONS)) continue;
    ids[at] = merges.result(idAt(at), idAt(right));
    ids[right] = -1;
    const after = nextOf(right);
    next[at] = after;
    if (after >= 0) previous[after] = at;
    offer(at);
    const before = previous[at] ?? -1;
    if (before >= 0) offer(before);
  }
  return Array.from(ids.filter((id) => id >= 0));
}

function push(heap: number[], key: number): void {
  let at = heap.length;
  heap.push(key);
  while (at > 0) {
    const parent = (at - 1) >> 1;
    const above = heap[parent] ?? 0;
    if (above <= key) break;
    heap[at] = above;
    at = parent;
  }
  heap[at] = key;
}

function pop(heap: number[]): number | undefined {
  const top = heap[0];
  const key = heap.pop();
  if (top === undefined || key === undefined || heap.length === 0) return top;
  let at = 0;
  for (;;) {
    const left = heap[2 * at + 1];
    if (left === undefined) break;
    const right = heap[2 * at + 2] ?? Number.POSITIVE_INFINITY;
    const child = Math.min(left, right);
    if (child >= key) break;
    heap[at] = child;
    at = 2 * at + (left <= right ? 1 : 2);
  }
  heap[at] = key;
  return top;
}
