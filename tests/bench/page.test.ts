import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import { benches } from '../../bench/benches.js';
import { performancePage, recordSchema } from '../../bench/page.js';

test('docs/performance.md is what the writer makes of docs/performance.json', () => {
  const record = recordSchema.parse(JSON.parse(readFileSync(resolve('docs/performance.json'), 'utf8')));
  expect(readFileSync(resolve('docs/performance.md'), 'utf8')).toBe(performancePage(record, benches));
});

test('every row of the page belongs to a case and a peer that a bench has', () => {
  const { rows } = recordSchema.parse(JSON.parse(readFileSync(resolve('docs/performance.json'), 'utf8')));
  const known = benches.flatMap(({ name, cases, peers }) =>
    cases.flatMap((one) => peers.map((peer) => [name, one, peer])),
  );
  for (const row of rows) expect(known).toContainEqual([row.bench, row.case, row.peer]);
});

test('without rows the page claims nothing', () => {
  expect(performancePage({ machine: null, rows: [] }, benches)).toMatch(/Nothing has been measured yet\.\n$/);
});
