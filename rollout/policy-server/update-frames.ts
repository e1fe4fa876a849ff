import { assert, ConfigError } from '../../core/errors.js';
import type { InferOptions, TrainSequence, UpdateOptions } from '../../core/types.js';
import { inferOptionsSchema, updateOptionsSchema } from './wire.js';

/** Float columns of a sequence, in the order of their bits and of their place in the frame. */
const columns = ['logprobs', 'advantages', 'refLogprobs', 'rolloutIsWeights', 'values', 'returns'] as const;
const offPolicyBit = 1 << columns.length;
const outcomeBit = offPolicyBit << 1;

type InferSequence = Pick<TrainSequence, 'tokens' | 'mask'>;

/**
 * The body of an update. JSON would block the sender's event loop for the whole batch at once; frames are made one
 * sequence at a time while the socket takes them, and numbers arrive bit for bit.
 * Throws when lengths differ, ConfigError when the batch is too large for one update. All integers are little-endian.
 *
 *   body     = frame(options) frame(sequence)*
 *   frame    = uint32 length of what follows, in bytes | payload
 *   options  = UpdateOptions, JSON in UTF-8
 *   sequence = uint32 T | uint32 flags | int32 group | float64 outcome | int32[T] tokens | uint8[T] mask | float64[T] a column
 *   flags    = bit i: columns[i] is there; then: written by an expert; has an outcome
 */
export function encodeUpdate(sequences: readonly TrainSequence[], options: UpdateOptions): Generator<Buffer> {
  return encode(sequences, options);
}

/** The body of an inference: the same frames, of which tokens and mask count. */
export function encodeInfer(sequences: readonly InferSequence[], options: InferOptions): Generator<Buffer> {
  return encode(
    sequences.map(({ tokens, mask }) => ({ tokens, mask })),
    options,
  );
}

/** The reverse of encodeUpdate; throws RangeError or ZodError with one sentence when the body is not whole. */
export function decodeUpdate(body: Buffer): { sequences: TrainSequence[]; options: UpdateOptions } {
  const { header, frames } = splitBody(body);
  const sequences = frames.map(decodeSequence).map(({ logprobs, advantages, ...sequence }, index) => {
    if (logprobs !== undefined && advantages !== undefined) return { ...sequence, logprobs, advantages };
    throw new RangeError(`sequence ${index} has no log-probs or no advantages`);
  });
  return { options: updateOptionsSchema.parse(header), sequences };
}

/** The reverse of encodeInfer; throws as decodeUpdate does. */
export function decodeInfer(body: Buffer): { sequences: InferSequence[]; options: InferOptions } {
  const { header, frames } = splitBody(body);
  return { options: inferOptionsSchema.parse(header), sequences: frames.map(decodeSequence) };
}

/** The largest body that a server takes. */
export const maxUpdateBytes = 256 * 1024 * 1024;

const lengthBytes = 4;
const prefixBytes = 4 + 4 + 4 + 8;
const tokenBytes = 4 + 1;
const columnBytes = 8;

type AnySequence = InferSequence & Partial<Omit<TrainSequence, 'tokens' | 'mask'>>;

function encode(sequences: readonly AnySequence[], options: object): Generator<Buffer> {
  sequences.forEach(assertEqualLengths);
  const header = encodeOptions(options);
  const sizeBytes = sequences.reduce((sum, sequence) => sum + lengthBytes + payloadBytes(sequence), header.length);
  if (sizeBytes <= maxUpdateBytes) return encodeFrames(header, sequences);
  const remedy = 'train on fewer or shorter sequences a step';
  throw new ConfigError(`the batch takes ${sizeBytes} bytes, an update holds at most ${maxUpdateBytes}; ${remedy}`);
}

function assertEqualLengths(sequence: AnySequence, index: number): void {
  const given = columnsOf(sequence);
  const lengths = [sequence.tokens, sequence.mask, ...given.map((name) => sequence[name])].map((row) => row?.length);
  assert(
    lengths.every((length) => length === sequence.tokens.length),
    `sequence ${index} has ${lengths.join(', ')} tokens, mask entries, ${given.join(', ')}`,
  );
}

function columnsOf(sequence: AnySequence): (typeof columns)[number][] {
  return columns.filter((name) => sequence[name] !== undefined);
}

function encodeOptions(options: object): Buffer {
  const json = Buffer.from(JSON.stringify(options));
  const length = Buffer.alloc(lengthBytes);
  length.writeUInt32LE(json.length);
  return Buffer.concat([length, json]);
}

function payloadBytes(sequence: AnySequence): number {
  return prefixBytes + sequence.tokens.length * (tokenBytes + columnBytes * columnsOf(sequence).length);
}

function* encodeFrames(header: Buffer, sequences: readonly AnySequence[]): Generator<Buffer> {
  yield header;
  for (const sequence of sequences) yield encodeSequence(sequence);
}

function encodeSequence(sequence: AnySequence): Buffer {
  const { tokens, mask, group = 0, outcome, isOffPolicy = false } = sequence;
  const size = payloadBytes(sequence);
  const frame = Buffer.allocUnsafe(lengthBytes + size);
  const bits = columns.reduce((sum, name, i) => sum + (sequence[name] === undefined ? 0 : 1 << i), 0);
  const flags = bits + (isOffPolicy ? offPolicyBit : 0) + (outcome === undefined ? 0 : outcomeBit);
  let at = frame.writeUInt32LE(size);
  at = frame.writeUInt32LE(tokens.length, at);
  at = frame.writeUInt32LE(flags, at);
  at = frame.writeInt32LE(group, at);
  at = frame.writeDoubleLE(outcome ?? 0, at);
  for (const value of tokens) at = frame.writeInt32LE(value, at);
  for (const value of mask) at = frame.writeUInt8(value, at);
  for (const name of columns) for (const value of sequence[name] ?? []) at = frame.writeDoubleLE(value, at);
  return frame;
}

function splitBody(body: Buffer): { header: unknown; frames: Buffer[] } {
  const [header, ...frames] = splitFrames(body);
  if (header === undefined) throw new RangeError('the body has no frame with options');
  return { header: parseJson(header), frames };
}

function splitFrames(body: Buffer): Buffer[] {
  const frames: Buffer[] = [];
  for (let at = 0; at < body.length; ) {
    const isWhole = at + lengthBytes <= body.length && at + lengthBytes + body.readUInt32LE(at) <= body.length;
    if (!isWhole) throw new RangeError(`frame ${frames.length} is cut off: the body ends after ${body.length} bytes`);
    const end = at + lengthBytes + body.readUInt32LE(at);
    frames.push(body.subarray(at + lengthBytes, end));
    at = end;
  }
  return frames;
}

function parseJson(frame: Buffer): unknown {
  try {
    return JSON.parse(frame.toString('utf8'));
  } catch (cause) {
    throw new RangeError(`the frame with options is not JSON: ${cause}`, { cause });
  }
}

function decodeSequence(frame: Buffer, index: number): AnySequence {
  if (frame.length < prefixBytes) throw new RangeError(`sequence ${index} has ${frame.length} bytes, too few`);
  const [count, flags] = [frame.readUInt32LE(0), frame.readUInt32LE(4)];
  const given = columns.filter((_, i) => (flags & (1 << i)) !== 0);
  if (frame.length !== prefixBytes + count * (tokenBytes + columnBytes * given.length))
    throw new RangeError(`sequence ${index} has ${frame.length} bytes, which do not fit its ${count} tokens`);
  const read = <T>(start: number, size: number, get: (at: number) => T): T[] =>
    Array.from({ length: count }, (_, i) => get(start + i * size));
  const floats = prefixBytes + count * tokenBytes;
  const column = (name: (typeof columns)[number], i: number): number[] =>
    read(floats + i * count * columnBytes, columnBytes, (at) => finite(frame.readDoubleLE(at), name, index));
  return {
    tokens: read(prefixBytes, 4, (at) => frame.readInt32LE(at)),
    mask: read(prefixBytes + 4 * count, 1, (at) => (frame.readUInt8(at) === 0 ? 0 : 1)),
    group: frame.readInt32LE(8),
    ...((flags & outcomeBit) !== 0 && { outcome: finite(frame.readDoubleLE(12), 'outcome', index) }),
    ...((flags & offPolicyBit) !== 0 && { isOffPolicy: true }),
    ...Object.fromEntries(given.map((name, i) => [name, column(name, i)])),
  };
}

function finite(value: number, name: string, index: number): number {
  if (!Number.isFinite(value)) throw new RangeError(`sequence ${index} has ${value} among its ${name}`);
  return value;
}
