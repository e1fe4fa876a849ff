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
 * The draws depend on nothing but the number of samples and k, as in verl: equal values give equal numbers, and all prompts are seen
 * through the same draws, which are kept for the next one. Unlike verl's, best and worst draw from the sorted values, so that the
 * order of samples plays no part; the chances are the same.
 */
export class Bootstrap {
  readonly #draws = new Map<string, readonly Draw[]>();

  /** The greatest value of a draw. */
  best(values: readonly number[], k: number): BootstrapSummary {
    const sorted = [...values].sort((a, b) => a - b);
    return summary(this.#drawsOf(values.length, k).map(({ highest }) => sorted[highest] ?? Number.NaN));
  }

  /** The least value of a draw. */
  worst(values: readonly number[], k: number): BootstrapSummary {
    const sorted = [...values].sort((a, b) => a - b);
    return summary(this.#drawsOf(values.length, k).map(({ lowest }) => sorted[lowest] ?? Number.NaN));
  }

  /** The value of the first sample with the most frequent answer of a draw; of equally frequent ones the first drawn. */
  majority(values: readonly number[], answers: readonly (string | undefined)[], k: number): BootstrapSummary {
    const [first = Number.NaN] = values;
    if (values.every((value) => value === first)) return { mean: first, std: 0 };
    const votes = answers.map((answer) => answers.indexOf(answer));
    const counts = new Int32Array(votes.length);
    const winners = this.#drawsOf(values.length, k).map(({ positions }) => winner(positions, votes, counts));
    return summary(winners.map((position) => values[position] ?? Number.NaN));
  }

  #drawsOf(count: number, k: number): readonly Draw[] {
    const key = `${count}:${k}`;
    const known = this.#draws.get(key);
    if (known !== undefined) return known;
    const rng = new Rng(rngKey(SEED, 'bootstrap', count, k));
    const draws = Array.from({ length: DRAWS }, () => {
      const positions = new Int32Array(k).map(() => rng.int(count));
      return { positions, highest: Math.max(...positions), lowest: Math.min(...positions) };
    });
    this.#draws.set(key, draws);
    return draws;
  }
}

/** k positions among the samples, and the extreme ones of them. */
interface Draw {
  readonly positions: Int32Array;
  readonly highest: number;
  readonly lowest: number;
}

function summary(results: readonly number[]): BootstrapSummary {
  return { mean: mean(results), std: populationDeviation(results) };
}

/** Position in the values; leaves the counts at 0, as it needs them. */
function winner(positions: Int32Array, votes: readonly number[], counts: Int32Array): number {
  for (const position of positions) bump(counts, votes[position] ?? 0);
  let [first, most] = [positions[0] ?? 0, 0];
  for (const position of positions) {
    const count = counts[votes[position] ?? 0] ?? 0;
    if (count > most) [first, most] = [position, count];
  }
  counts.fill(0);
  return first;
}

function bump(counts: Int32Array, index: number): void {
  counts[index] = (counts[index] ?? 0) + 1;
}
