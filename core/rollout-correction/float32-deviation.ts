/**
 * Standard deviation of the values where the mask is 1, as the root of mean square less squared mean, in float32 and in the order in
 * which PyTorch adds on a CPU with 8 lanes. Of numbers that are all cut off at the same bound that is not 0 but rounding, 1e-5 of them;
 * the same formula and order give the number that verl reports. 0 for fewer than two values.
 * @param values one entry a sampled token
 * @param mask of all sequences laid end to end
 */
export function float32Deviation(values: readonly number[], mask: readonly (0 | 1)[]): number {
  if (values.length < 2) return 0;
  let next = 0;
  const spread = Float32Array.from(mask, (isSampled) => (isSampled === 1 ? (values[next++] ?? Number.NaN) : 0));
  const centre = meanOf(spread, values.length);
  const squares = meanOf(
    spread.map((value) => value * value),
    values.length,
  );
  return Math.sqrt(Math.max(0, Math.fround(squares - Math.fround(centre * centre))));
}

function meanOf(values: Float32Array, count: number): number {
  return Math.fround(sum(values) / count);
}

const LANES = 8;
const ROWS = 4;
const WIDTH = LANES * ROWS;

/** Blocks of 4 rows of 8 lanes are added lane by lane, then whole rows that are left, the rows to one, the rest, the lanes. */
function sum(values: Float32Array): number {
  const blocks = Math.floor(values.length / WIDTH);
  const lanes = sumOfBlocks(values, blocks);
  const rows = Math.floor(values.length / LANES);
  for (let row = blocks * ROWS; row < rows; row++) addTo(lanes, values.subarray(row * LANES, (row + 1) * LANES));
  for (let row = 1; row < ROWS; row++) addTo(lanes, lanes.subarray(row * LANES, (row + 1) * LANES));
  const total = Float32Array.of(0);
  for (const value of values.subarray(rows * LANES)) addTo(total, [value]);
  for (const value of lanes.subarray(0, LANES)) addTo(total, [value]);
  return total[0] ?? 0;
}

/** [WIDTH]: a cascade of four levels, each of which is added to the next after so many of its own additions. */
function sumOfBlocks(values: Float32Array, blocks: number): Float32Array {
  const bits = Math.max(4, Math.ceil(Math.log2(Math.max(1, blocks)) / 4));
  const levels = Array.from({ length: 4 }, () => new Float32Array(WIDTH));
  const [lowest = new Float32Array(WIDTH), ...higher] = levels;
  for (let block = 0; block < blocks; block++) {
    addTo(lowest, values.subarray(block * WIDTH, (block + 1) * WIDTH));
    let from = lowest;
    for (const [level, into] of higher.entries()) {
      if ((block + 1) % 2 ** (bits * (level + 1)) !== 0) break;
      addTo(into, from);
      from.fill(0);
      from = into;
    }
  }
  for (const level of higher) addTo(lowest, level);
  return lowest;
}

function addTo(sums: Float32Array, values: ArrayLike<number>): void {
  for (let i = 0; i < values.length; i++) sums[i] = (sums[i] ?? 0) + (values[i] ?? 0);
}
