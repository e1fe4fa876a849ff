import { readFileSync } from 'node:fs';
import { z } from 'zod';

/** Values in C order; expected ones are float64. */
export interface TorchArray {
  readonly shape: readonly number[];
  readonly values: Float32Array | Float64Array | Int32Array;
}

export type TorchArrays = Readonly<Record<string, TorchArray>>;

/** One call of an op in PyTorch: tests/fixtures/tensor/generate.py says how its numbers came about. */
export interface TorchCase<Attributes = unknown> {
  readonly name: string;
  readonly attributes: Attributes;
  readonly inputs: TorchArrays;
  /** One an output, where there are gradients: they are those of the sum of all outputs times their projections. */
  readonly projections: TorchArrays;
  readonly outputs: TorchArrays;
  /** One a float input, by its name. */
  readonly gradients: TorchArrays;
}

/** Those of the cases of attention: where sequences begin, and rules in the words of `AttentionRules`. */
export const attentionAttributes = z.strictObject({
  offsets: z.array(z.int()),
  scale: z.number().exactOptional(),
  softcap: z.number().exactOptional(),
  window: z.int().exactOptional(),
});

export type AttentionAttributes = z.output<typeof attentionAttributes>;

const typedArrays = { float32: Float32Array, float64: Float64Array, int32: Int32Array } as const;

const entriesSchema = z.record(
  z.string(),
  z.strictObject({ dtype: z.enum(['float32', 'float64', 'int32']), shape: z.array(z.int()), offset: z.int() }),
);

const fileSchema = z.strictObject({
  versions: z.record(z.string(), z.string()),
  cases: z
    .array(
      z.strictObject({
        name: z.string(),
        attributes: z.record(z.string(), z.unknown()),
        inputs: entriesSchema,
        projections: entriesSchema,
        outputs: entriesSchema,
        gradients: entriesSchema,
      }),
    )
    .min(1),
});

/** The cases of one op, whose attributes must have the given form. */
export function torchCases<Attributes>(
  op: string,
  attributes: z.ZodType<Attributes>,
): readonly TorchCase<Attributes>[] {
  const path = (extension: string) => new URL(`../fixtures/tensor/${op}.${extension}`, import.meta.url);
  const { cases } = fileSchema.parse(JSON.parse(readFileSync(path('json'), 'utf8')));
  const bytes = new Uint8Array(readFileSync(path('bin'))).buffer;
  return cases.map((found) => ({
    name: found.name,
    attributes: attributes.parse(found.attributes),
    inputs: readArrays(found.inputs, bytes),
    projections: readArrays(found.projections, bytes),
    outputs: readArrays(found.outputs, bytes),
    gradients: readArrays(found.gradients, bytes),
  }));
}

/** Each array is a copy, so that a backend which keeps or writes what it is given spoils nothing for the next. */
function readArrays(entries: z.output<typeof entriesSchema>, bytes: ArrayBuffer): TorchArrays {
  return Object.fromEntries(
    Object.entries(entries).map(([name, { dtype, shape, offset }]) => {
      const size = shape.reduce((product, axis) => product * axis, 1);
      return [name, { shape, values: new typedArrays[dtype](bytes, offset, size).slice() }];
    }),
  );
}
