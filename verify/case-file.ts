import { z } from 'zod';
import { ConfigError } from '../core/errors.js';
import { readJson } from './json-file.js';

const bit = z.union([z.literal(0), z.literal(1)]);
const column = z.array(z.union([z.number(), z.string()]));
export const matrix = z.array(z.array(z.number()));
export type Matrix = z.output<typeof matrix>;

/** [B] and [B, T] of one batch by verl's names: a row a trajectory, a column a response token. */
const inputsSchema = z
  .object({ response_mask: z.array(z.array(bit)) })
  .catchall(z.union([matrix, column]))
  .superRefine((inputs, context) => {
    for (const name of Object.keys(inputs).filter((name) => !hasShape(inputs[name], inputs.response_mask)))
      context.addIssue({ code: 'custom', path: [name], message: 'has another shape than response_mask' });
  });
export type CaseInputs = z.output<typeof inputsSchema>;

const caseSchema = z.strictObject({ inputs: inputsSchema, expected: z.record(z.string(), z.unknown()) });

/** Random inputs, and what verl computes from them: by section, then by function and options. */
export type Case = z.output<typeof caseSchema>;

/** Throws ConfigError when there is no such file or it is not of this format. */
export async function readCase(path: string): Promise<Case> {
  const parsed = caseSchema.safeParse(await readJson(path));
  if (parsed.success) return parsed.data;
  throw new ConfigError(`${path} is not a file of reference numbers: ${z.prettifyError(parsed.error)}`);
}

/** The input [B, T] of that name. Throws RangeError when there is none. */
export function matrixOf(inputs: CaseInputs, name: string): Matrix {
  const parsed = matrix.safeParse(inputs[name]);
  if (!parsed.success) throw new RangeError(`the file has no input ${name} [B, T]`);
  return parsed.data;
}

/** The entries of [B, T] where the response mask is 1, end to end. Throws RangeError when the shape is another. */
export function sampledOf(values: Matrix, { response_mask: mask }: CaseInputs): number[] {
  if (!hasShape(values, mask)) throw new RangeError('has another shape than response_mask');
  return values.flatMap((row, b) => row.filter((_, t) => mask[b]?.[t] === 1));
}

/** As many rows as the mask and, where they are rows, of the same lengths. */
function hasShape(value: unknown, mask: readonly (readonly number[])[]): boolean {
  if (!Array.isArray(value) || value.length !== mask.length) return false;
  return value.every((row, b) => !Array.isArray(row) || row.length === mask[b]?.length);
}
