import { Rng, rngKey } from '../rng.js';
import type { RlRow } from './rl-rows.js';

/** `count` things in an order that the key alone names. */
export function permutation(count: number, key: number): Uint32Array {
  const rng = new Rng(key);
  const order = Uint32Array.from({ length: count }, (_, i) => i);
  for (let i = count - 1; i > 0; i--) {
    const j = rng.int(i + 1);
    const [a = 0, b = 0] = [order[i], order[j]];
    order[i] = b;
    order[j] = a;
  }
  return order;
}

export interface SampleLimit {
  /** All rows when null. */
  readonly maxSamples: number | null;
  /** Rows drawn at random instead of the first ones; those drawn keep their order. */
  readonly shuffle: boolean;
  readonly seed: number;
}

/** At most so many of the rows. */
export function limitSamples<Value>(rows: readonly Value[], { maxSamples, shuffle, seed }: SampleLimit): Value[] {
  if (maxSamples === null || maxSamples >= rows.length) return [...rows];
  if (!shuffle) return rows.slice(0, maxSamples);
  const drawn = permutation(rows.length, rngKey(seed, 'data', 'samples'))
    .slice(0, maxSamples)
    .sort();
  return [...drawn].flatMap((i) => rows.slice(i, i + 1));
}

export interface OverlongFilter {
  readonly maxPromptLength: number;
  /** Tokens of the rendered prompt, tools included; throws where it cannot be rendered. */
  countTokens(row: RlRow): number;
}

export interface KeptRows {
  readonly rows: readonly RlRow[];
  /** Says how many of how many rows were left out and why; undefined when none was. */
  readonly remark: string | undefined;
}

/** Leaves out rows whose prompt is longer than allowed or cannot be rendered. */
export function dropOverlong(rows: readonly RlRow[], filter: OverlongFilter): KeptRows {
  const judged = rows.map((row) => ({ row, verdict: judge(row, filter) }));
  const count = (wanted: string): number => judged.filter(({ verdict }) => verdict === wanted).length;
  const [overlong, broken] = [count('overlong'), count('broken')];
  const kept = judged.filter(({ verdict }) => verdict === 'kept').map(({ row }) => row);
  if (kept.length === rows.length) return { rows: kept, remark: undefined };
  const remark =
    `left out ${overlong + broken} of ${rows.length} rows: ${overlong} with a prompt of more than ` +
    `${filter.maxPromptLength} tokens, ${broken} that could not be rendered`;
  return { rows: kept, remark };
}

function judge(row: RlRow, { maxPromptLength, countTokens }: OverlongFilter): 'kept' | 'overlong' | 'broken' {
  try {
    return countTokens(row) > maxPromptLength ? 'overlong' : 'kept';
  } catch {
    // verl's rule: what the template refuses is left out and counted
    return 'broken';
  }
}
