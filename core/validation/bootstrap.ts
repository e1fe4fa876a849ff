import { mean } from '../advantages/group-statistics.js';
import { populationDeviation } from '../population-deviation.js';
import { Rng, rngKey } from '../rng.js';

const DRAWS = 1000;
const SEED = 42;

/** Mean and deviation (divided by the number of draws) over the draws of a bootstrap. */
export interface BootstrapSummary {
  readonly mean: number;
  readonly std: number;
}

/**
 * What is to be expected of k samples when more were taken: statistics over 1000 draws of k of them with replacement.
 * The draws depend on nothing but the number of samples and k, as in verl: equal values give equal numbers, and all variables and
 * prompts are seen through the same draws. They are kept for the next prompt.
 */
export class Bootstrap {
  readonly #draws = new Map<string, readonly Int32Array[]>();

  /** The greatest value of a draw. */
  best(values: readonly number[], k: number): BootstrapSummary {
    return this.#summary(values, k, (draw) => extreme(values, draw, Math.max));
  }

  /** The least value of a draw. */
  worst(values: readonly number[], k: number): BootstrapSummary {
    return this.#summary(values, k, (draw) => extreme(values, draw, Math.min));
  }

  /** The value of the first sample with the most frequent answer of a draw; of equally frequent ones the first drawn. */
  majority(values: readonly number[], answers: readonly (string | undefined)[], k: number): BootstrapSummary {
    const votes = answers.map((answer) => answers.indexOf(answer));
    const counts = new Int32Array(votes.length);
    return this.#summary(values, k, (draw) => values[winner(draw, votes, counts)] ?? Number.NaN);
  }

  #summary(values: readonly number[], k: number, reduce: (draw: Int32Array) => number): BootstrapSummary {
    const results = this.#drawsOf(values.length, k).map(reduce);
    return { mean: mean(results), std: populationDeviation(results) };
  }

  /** Positions below `count`, k a draw. */
  #drawsOf(count: number, k: number): readonly Int32Array[] {
    const key = `${count}:${k}`;
    const known = this.#draws.get(key);
    if (known !== undefined) return known;
    const rng = new Rng(rngKey(SEED, 'bootstrap', count, k));
    const draws = Array.from({ length: DRAWS }, () => new Int32Array(k).map(() => rng.int(count)));
    this.#draws.set(key, draws);
    return draws;
  }
}

function extreme(values: readonly number[], draw: Int32Array, pick: (a: number, b: number) => number): number {
  let found = values[draw[0] ?? 0] ?? Number.NaN;
  for (const position of draw) found = pick(found, values[position] ?? Number.NaN);
  return found;
}

/** Position in the values; leaves the counts at 0, as it needs them. */
function winner(draw: Int32Array, votes: readonly number[], counts: Int32Array): number {
  for (const position of draw) bump(counts, votes[position] ?? 0);
  let [first, most] = [draw[0] ?? 0, 0];
  for (const position of draw) {
    const count = counts[votes[position] ?? 0] ?? 0;
    if (count > most) [first, most] = [position, count];
  }
  counts.fill(0);
  return first;
}

function bump(counts: Int32Array, index: number): void {
  counts[index] = (counts[index] ?? 0) + 1;
}
