import { distance } from 'fastest-levenshtein';

/** The candidate a misspelt word most likely means, or undefined when none is near. Case, `_`, `-` and order count little. */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
  const bare = bareSpelling(word);
  let best: { candidate: string; edits: number } | undefined;
  for (const candidate of candidates) {
    const other = bareSpelling(candidate);
    const edits =
      sortedLetters(bare) === sortedLetters(other) ? Math.min(1, distance(bare, other)) : distance(bare, other);
    const length = Math.max(bare.length, other.length);
    const allowed = length < 4 ? 0 : Math.floor(length / 3);
    if (edits <= allowed && edits < bare.length && (best === undefined || edits < best.edits))
      best = { candidate, edits };
  }
  return best?.candidate;
}

/** `unknown environment "aritmetic"; did you mean "arithmetic"? known: …` */
export function unknownName(kind: string, name: string, known: readonly string[]): string {
  const guess = nearest(name, known);
  const hint = guess === undefined ? '' : ` did you mean "${guess}"?`;
  return `unknown ${kind} "${name}";${hint} known: ${known.length === 0 ? 'none' : known.join(', ')}`;
}

/** True for clip_ratio_low, clip-ratio-low and clipRatioLow: one name in several spellings. */
export function isSameName(a: string, b: string): boolean {
  return bareSpelling(a) === bareSpelling(b);
}

function bareSpelling(word: string): string {
  return word.replaceAll(/[_-]/g, '').toLowerCase();
}

function sortedLetters(word: string): string {
  return [...word].sort().join('');
}
