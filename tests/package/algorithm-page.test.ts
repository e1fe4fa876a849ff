import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { advantageEstimatorSettings, policyLossSettings } from '../../core/algorithms.js';
import { lossAggModes } from '../../core/losses/aggregate.js';

const page = readFileSync(fileURLToPath(new URL('../../docs/algorithms.md', import.meta.url)), 'utf8');
const [, estimators = '', losses = ''] = page.split(/^## /m);

/** Names in the first column of the section's table. */
function named(section: string): string[] {
  return [...section.matchAll(/^\| (`.*?) +\|/gm)]
    .flatMap(([, cell = '']) => [...cell.matchAll(/`(\w+)`/g)].map((match) => match[1] ?? ''))
    .sort();
}

test('the page of algorithms lists exactly the rows of the tables', () => {
  expect(named(estimators)).toEqual(advantageEstimatorSettings.options.map(({ shape }) => shape.name.value).sort());
  expect(named(losses)).toEqual(policyLossSettings.options.map(({ shape }) => shape.name.value).sort());
});

test('it names every aggregation', () => {
  for (const mode of lossAggModes) expect(losses).toContain(`\`${mode}\``);
});
