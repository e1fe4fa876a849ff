import { expect, test } from 'vitest';
import { Rng } from '../../../../core/rng.js';
import { nativeAddon, onEverySetting } from '../../../helpers/native-addon.js';

const addon = await nativeAddon();
const rng = new Rng(3);
const random = (size: number) => Float32Array.from({ length: size }, () => rng.float() * 2 - 1);

/** [rows, inner] times [inner, columns]; layouts as in `transpose`: a then b. */
function product(a: Float32Array, b: Float32Array, rows: number, columns: number, inner: number, transpose = 'NN') {
  const c = new Float32Array(rows * columns).fill(Number.NaN);
  addon.gemm(a, b, c, 1, rows, columns, inner, transpose[0] === 'T', transpose[1] === 'T', 0, 0, false);
  return c;
}

const shapes = [
  ['NN', 13, 37, 70],
  ['NT', 130, 70, 500],
  ['TN', 70, 130, 401],
  ['TT', 25, 33, 17],
  ['NT', 1, 300, 96],
] as const;

test.each(shapes)(
  '%s %i x %i x %i is one chain of fused sums, whatever the instruction set and threads',
  async (layout, rows, columns, inner) => {
    const [a, b] = [random(rows * inner), random(inner * columns)];
    const c = await onEverySetting(() => product(a, b, rows, columns, inner, layout)); // portable code has single fused operations
    expect(c.every(Number.isFinite)).toBe(true);
  },
);

test('a row depends neither on the rows beside it nor on where it stands', () => {
  const [columns, inner] = [67, 800];
  const [a, b] = [random(64 * inner), random(inner * columns)];
  const all = product(a, b, 64, columns, inner);
  for (const [first, count] of [
    [0, 1],
    [5, 2],
    [7, 13],
    [63, 1],
    [20, 44],
  ] as const) {
    const part = product(a.subarray(first * inner, (first + count) * inner), b, count, columns, inner);
    expect(part, `rows ${first} to ${first + count}`).toEqual(all.subarray(first * columns, (first + count) * columns));
  }
});

test('sums go on where c stands, so that a product split over k has the bits of the whole', () => {
  const [rows, columns, inner, cut] = [9, 40, 100, 33];
  const [a, b] = [random(inner * rows), random(inner * columns)]; // a transposed: [inner, rows]
  const c = product(a.subarray(0, cut * rows), b.subarray(0, cut * columns), rows, columns, cut, 'TN');
  const [restA, restB] = [a.subarray(cut * rows), b.subarray(cut * columns)];
  addon.gemm(restA, restB, c, 1, rows, columns, inner - cut, true, false, 0, 0, true);
  expect(c).toEqual(product(a, b, rows, columns, inner, 'TN'));
});

test('the bias is added to the finished sum', () => {
  const [rows, columns, inner] = [7, 19, 1000];
  const [a, b, bias] = [random(rows * inner), random(columns * inner), random(columns)];
  const c = new Float32Array(rows * columns);
  addon.gemm(a, b, c, 1, rows, columns, inner, false, true, 0, 0, false, bias);
  expect(c).toEqual(product(a, b, rows, columns, inner, 'NT').map((sum, i) => sum + bias[i % columns]!));
});

test('no inner dimension gives zeros, no rows nothing', () => {
  expect(product(new Float32Array(0), new Float32Array(0), 2, 3, 0)).toEqual(new Float32Array(6));
  expect(product(new Float32Array(0), random(12), 0, 3, 4)).toEqual(new Float32Array(0));
});

test('a NaN and an infinity reach exactly the rows and columns they belong to', () => {
  const [a, b] = [random(20 * 30), random(30 * 40)];
  a[3 * 30 + 7] = Number.NaN;
  b[5 * 40 + 39] = Number.POSITIVE_INFINITY;
  const c = product(a, b, 20, 40, 30);
  const odd = [...c.keys()].filter((i) => !Number.isFinite(c[i]!));
  expect(odd).toEqual([...c.keys()].filter((i) => Math.floor(i / 40) === 3 || i % 40 === 39));
});

test('an array that is too short, of another type or missing is refused before anything is read', () => {
  const call = (a: unknown, b: unknown) => () =>
    Reflect.apply(addon.gemm, addon, [a, b, new Float32Array(6), 1, 2, 3, 4, false, false, 0, 0, false]);
  expect(call(new Float32Array(7), random(12))).toThrow('argument 0 has 7 entries, not 8');
  expect(call(new Float32Array(8), new Float64Array(12))).toThrow('argument 1 is a typed array of another type');
  expect(call(new Float32Array(8), undefined)).toThrow('argument 1 is not a typed array');
  expect(() => Reflect.apply(addon.gemm, addon, [random(8), random(12), random(6), 1, 2, -3, 4])).toThrow(
    'argument 5 is not a size',
  );
});
