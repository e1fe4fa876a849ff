/** A token of a vocabulary that was trained with scores instead of merges. */
export interface ScoredToken {
  readonly text: string;
  /** The higher, the earlier the token is put together. */
  readonly score: number;
}

/** Longer tokens are no merge's result: cutting takes time with the square of the length, and real ones stay far below. */
const MAX_CHARACTERS = 256;

interface Candidate {
  readonly pair: readonly [left: string, right: string];
  readonly score: number;
  /** Characters of the two parts. */
  readonly lengths: readonly [number, number];
}

/**
 * The merges, best first, that make BPE put tokens together in the order of their scores: each way to cut a token into two
 * others is a merge. Among equal scores the longer left part is first, then the longer right part, then the token that is
 * earlier in the list. Tokens that must never come of text have to be left out by the caller.
 */
export function mergesFromScores(tokens: readonly ScoredToken[]): (readonly [left: string, right: string])[] {
  const ids = new Map(tokens.map(({ text }, id) => [text, id]));
  return tokens
    .flatMap((token) => waysToCut(token, ids))
    .sort((a, b) => b.score - a.score || b.lengths[0] - a.lengths[0] || b.lengths[1] - a.lengths[1])
    .map(({ pair }) => pair);
}

/** In the order of the parts' ids. */
function waysToCut({ text, score }: ScoredToken, ids: ReadonlyMap<string, number>): Candidate[] {
  if (text.length > MAX_CHARACTERS) return [];
  const length = charactersOf(text);
  const found: (Candidate & { readonly ids: readonly [number, number] })[] = [];
  for (let at = 0, cut = 1; cut < length; cut++) {
    at += (text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1;
    const left = text.slice(0, at);
    const leftId = ids.get(left);
    if (leftId === undefined) continue;
    const right = text.slice(at);
    const rightId = ids.get(right);
    if (rightId === undefined) continue;
    found.push({ pair: [left, right], score, lengths: [cut, length - cut], ids: [leftId, rightId] });
  }
  return found.length < 2 ? found : found.sort((a, b) => a.ids[0] - b.ids[0] || a.ids[1] - b.ids[1]);
}

function charactersOf(text: string): number {
  let count = 0;
  for (const _ of text) count++;
  return count;
}
