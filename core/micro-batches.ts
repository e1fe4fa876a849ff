import { computedLength, type WeightedSequence } from './batch.js';

/**
 * Sequences that share a forward pass: as few passes as hold at most `maxTokens` computed tokens each, of about equal length. The
 * longest sequence goes first, always to the shortest pass (of equals the first); one longer than `maxTokens` is alone.
 * @returns the longest pass first, in each the sequences in the order given; none for no sequences
 */
export function microBatches(members: readonly WeightedSequence[], maxTokens: number): readonly WeightedSequence[][] {
  const lengths = members.map(({ sequence }) => computedLength(sequence));
  const order = [...members.keys()].sort((a, b) => (lengths[b] ?? 0) - (lengths[a] ?? 0) || a - b);
  const tooLong = order.filter((i) => (lengths[i] ?? 0) > maxTokens);
  const rest = order.slice(tooLong.length);
  const alone = tooLong.map((i): Pass => ({ length: lengths[i] ?? 0, members: [i] }));
  return [...alone, ...balanced(rest, lengths, maxTokens)].map((pass) =>
    pass.members.sort((a, b) => a - b).flatMap((i) => members[i] ?? []),
  );
}

interface Pass {
  length: number;
  readonly members: number[];
}

/** Tries more and more passes until all fit; with one a sequence they do. */
function balanced(order: readonly number[], lengths: readonly number[], maxTokens: number): Pass[] {
  const total = order.reduce((sum, i) => sum + (lengths[i] ?? 0), 0);
  for (let count = Math.max(1, Math.ceil(total / maxTokens)); count < order.length; count++) {
    const passes = distribute(order, lengths, count);
    if (passes.every(({ length }) => length <= maxTokens)) return passes;
  }
  return distribute(order, lengths, order.length);
}

function distribute(order: readonly number[], lengths: readonly number[], count: number): Pass[] {
  const passes = Array.from({ length: count }, (): Pass => ({ length: 0, members: [] }));
  for (const i of order) {
    const shortest = passes.reduce((best, pass) => (pass.length < best.length ? pass : best));
    shortest.length += lengths[i] ?? 0;
    shortest.members.push(i);
  }
  return passes.filter(({ members }) => members.length > 0).sort((a, b) => b.length - a.length);
}
