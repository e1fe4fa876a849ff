import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { lossAggModes } from '../../core/losses/aggregate.js';

const rows = z.array(z.array(z.number()));

const caseSchema = z.strictObject({
  groups: z.array(z.string()),
  masks: z.array(z.string().transform((text) => [...text].map((bit) => (bit === '1' ? (1 as const) : (0 as const))))),
  rewards: z.array(z.number()),
  oldLogProbs: rows,
  logProbs: rows,
  advantages: rows,
  expectedGrpo: rows,
  expectedGrpoWithoutStd: rows,
  expectedVanilla: z.array(
    z.strictObject({
      config: z.enum(['default', 'dapo']),
      lossAggMode: z.enum(lossAggModes),
      loss: z.number(),
      metrics: z.record(z.string(), z.number()),
      grad: rows.optional(),
    }),
  ),
  expectedAggregate: z.partialRecord(z.enum(lossAggModes), z.number()),
});

export type ReferenceCase = z.output<typeof caseSchema>;

/** Numbers of verl to compare ours with; tests/fixtures/algorithms/README.md says what they are. */
export const referenceCases: readonly ReferenceCase[] = [1, 2, 3, 4].map((n) => {
  const path = new URL(`../fixtures/algorithms/case-${n}.json`, import.meta.url);
  return caseSchema.parse(JSON.parse(readFileSync(path, 'utf8')));
});

/** How near to verl's numbers ours must be. */
export const referenceTolerance = { relative: 1e-5, absolute: 1e-6 } as const;

/** The entries of [B][T] rows where the mask is 1, end to end. */
export function sampledOnly(values: readonly (readonly number[])[], masks: ReferenceCase['masks']): number[] {
  return values.flatMap((row, b) => row.filter((_, t) => masks[b]?.[t] === 1));
}
