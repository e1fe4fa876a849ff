import { z } from 'zod';
import { ConfigError } from '../errors.js';

/** A named float32 array with its shape. */
export interface StoredTensor {
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

const entrySchema = z.object({
  dtype: z.literal('F32'),
  shape: z.array(z.int().min(0)),
  data_offsets: z.tuple([z.int().min(0), z.int().min(0)]),
});
const headerSchema = z
  .object({ __metadata__: z.record(z.string(), z.string()).optional() })
  .catchall(entrySchema)
  .transform(({ __metadata__, ...entries }) => entries);

/** Bytes of a safetensors file: u64 header length, JSON header padded to 8 bytes, then the values, little endian. */
export function encodeSafetensors(tensors: ReadonlyMap<string, StoredTensor>): Buffer {
  let end = 0;
  const entries = [...tensors].map(([name, { shape, values }]) => {
    const start = end;
    end += values.byteLength;
    return [name, { dtype: 'F32', shape, data_offsets: [start, end] }] as const;
  });
  const json = Buffer.from(JSON.stringify(Object.fromEntries(entries)));
  const header = Buffer.concat([json, Buffer.alloc((8 - (json.length % 8)) % 8, ' ')]);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  const bodies = [...tensors.values()].map(({ values }) =>
    Buffer.from(values.buffer, values.byteOffset, values.byteLength),
  );
  return Buffer.concat([length, header, ...bodies]);
}

/** Reads float32 safetensors. Throws ConfigError, naming `source`, for anything that is not one whole valid file without gaps. */
export function decodeSafetensors(bytes: Buffer, source: string): ReadonlyMap<string, StoredTensor> {
  const corrupt = (why: string) => new ConfigError(`${source} is not a usable safetensors file: ${why}`);
  if (bytes.length < 8) throw corrupt('it is shorter than its header length');
  const headerLength = Number(bytes.readBigUInt64LE(0));
  if (headerLength > bytes.length - 8)
    throw corrupt(`its header should have ${headerLength} bytes, ${bytes.length - 8} are there`);
  const header = parseHeader(bytes.subarray(8, 8 + headerLength).toString('utf8'));
  if (header === undefined) throw corrupt('its header is not JSON of the expected form (float32 only)');
  const body = bytes.subarray(8 + headerLength);
  const tensors = new Map<string, StoredTensor>();
  let filled = 0;
  for (const [name, { shape, data_offsets }] of Object.entries(header).sort(byOffset)) {
    const [start, end] = data_offsets;
    const size = shape.reduce((product, axis) => product * axis, 1) * 4;
    if (start !== filled || end > body.length || end - start !== size)
      throw corrupt(
        `the values of ${name} do not fit: offsets ${start}-${end} of ${body.length}, shape [${shape}], ${filled} bytes before`,
      );
    filled = end;
    tensors.set(name, { shape, values: new Float32Array(Uint8Array.prototype.slice.call(body, start, end).buffer) });
  }
  if (filled !== body.length) throw corrupt(`${body.length - filled} bytes at its end belong to no tensor`);
  return tensors;
}

type Header = z.output<typeof headerSchema>;
type NamedEntry = [name: string, entry: z.output<typeof entrySchema>];

/** Empty tensors first among those that start together. */
function byOffset([, a]: NamedEntry, [, b]: NamedEntry): number {
  return a.data_offsets[0] - b.data_offsets[0] || a.data_offsets[1] - b.data_offsets[1];
}

function parseHeader(text: string): Header | undefined {
  try {
    return headerSchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
