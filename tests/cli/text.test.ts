import { expect, test } from 'vitest';
import { bar, formatBytes, formatDuration, formatNumber, printable, sparkline } from '../../cli/text.js';

test.each([
  [[0, 1, 2, 3, 4, 5, 6, 7], 8, '▁▂▃▄▅▆▇█'],
  [[0, 1, 2, 3], 2, '▁█'],
  [[5, 5], 4, '▅▅'],
  [[], 4, ''],
  [[0, Number.NaN, 1], 4, '▁ █'],
  [[Number.NaN], 4, ' '],
] as const)('the sparkline of %j in %d columns is "%s"', (values, width, line) => {
  expect(sparkline(values, width)).toBe(line);
});

test.each([
  [0, '0.0s'],
  [9949, '9.9s'],
  [9960, '10s'],
  [59_600, '1m 00s'],
  [125_000, '2m 05s'],
  [3_600_000, '1h 00m'],
  [11_220_000, '3h 07m'],
  [187_200_000, '2d 04h'],
  [Number.NaN, '?'],
  [-1, '?'],
])('%d ms are "%s"', (ms, text) => {
  expect(formatDuration(ms)).toBe(text);
});

test.each([
  [0, '0'],
  [1, '1'],
  [0.123456, '0.1235'],
  [1234.56, '1235'],
  [1_234_567, '1,234,567'],
  [0.000012, '1.2e-5'],
  [-0.5, '-0.5'],
  [Number.NaN, 'NaN'],
])('the number %d is shown as %s', (value, text) => {
  expect(formatNumber(value)).toBe(text);
});

test.each([
  [0, 4, 4, '░░░░'],
  [4, 4, 4, '████'],
  [1, 2, 4, '██░░'],
  [3, 8, 2, '▊░'],
  [9, 4, 3, '███'],
  [1, 0, 3, '░░░'],
])('the bar of %d of %d in %d cells is %s', (done, total, width, drawn) => {
  expect(bar(done, total, width)).toBe(drawn);
});

test('control characters and escapes cannot reach the terminal', () => {
  expect(printable('a\u001b[31mred\u0007\r\n\tb\u009b2J\u202e')).toBe(
    'a\u{fffd}[31mred\u{fffd}\n  b\u{fffd}2J\u{fffd}',
  );
});

test.each([
  [0, '0 B'],
  [999, '999 B'],
  [1234, '1.2 kB'],
  [538_060_032, '538 MB'],
  [3.14e9, '3.1 GB'],
])('%d bytes are "%s"', (bytes, text) => {
  expect(formatBytes(bytes)).toBe(text);
});
