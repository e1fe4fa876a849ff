import { assert, ConfigError } from '../../core/errors.js';
import type { TrainSequence, UpdateOptions } from '../../core/types.js';
import { updateOptionsSchema } from './wire.js';

/**
 * The body of an update. JSON would block the sender's event loop for the whole batch at once; frames are made one
 * sequence at a time while the socket takes them, and numbers arrive bit for bit.
 * Throws when lengths differ, ConfigError when the batch is too large for one update. All integers are little-endian.
 *
 *   body     = frame(options) frame(sequence)*
 *   frame    = uint32 length of what follows, in bytes | payload
 *   options  = UpdateOptions, JSON in UTF-8
 *   sequence = float64[T] logprobs | float64[T] advantages | int32[T] tokens | uint8[T] mask      (T = length / 21)
 */
export function encodeUpdate(sequences: readonly TrainSequence[], options: UpdateOptions): Generator<Buffer> {
  sequences.forEach(assertEqualLengths);
  const header = encodeOptions(options);
  const sizeBytes = sequences.reduce((sum, { tokens }) => sum + sequenceFrameBytes(tokens.length), header.length);
  if (sizeBytes <= maxUpdateBytes) return encodeFrames(header, sequences);
  const remedy = 'train on fewer or shorter sequences a step';
  throw new ConfigError(`the batch takes ${sizeBytes} bytes, an update holds at most ${maxUpdateBytes}; ${remedy}`);
}

/** The reverse of encodeUpdate; throws RangeError or ZodError with one sentence when the body is not whole. */
export function decodeUpdate(body: Buffer): { sequences: TrainSequence[]; options: UpdateOptions } {
  const [header, ...frames] = splitFrames(body);
  if (header === undefined) throw new RangeError('the body has no frame with options');
  return { options: updateOptionsSchema.parse(parseJson(header)), sequences: frames.map(decodeSequence) };
}

/** The largest body that a server takes. */
export const maxUpdateBytes = 256 * 1024 * 1024;

const lengthBytes = 4;
const tokenBytes = 8 + 8 + 4 + 1;

function assertEqualLengths({ tokens, mask, logprobs, advantages }: TrainSequence, index: number): void {
  const lengths = [tokens, mask, logprobs, advantages].map((array) => array.length);
  assert(
    lengths.every((length) => length === tokens.length),
    `sequence ${index} has ${lengths.join(', ')} tokens, mask entries, logprobs, advantages`,
  );
}

function encodeOptions(options: UpdateOptions): Buffer {
  const json = Buffer.from(JSON.stringify(options));
  const length = Buffer.alloc(lengthBytes);
  length.writeUInt32LE(json.length);
  return Buffer.concat([length, json]);
}

function sequenceFrameBytes(count: number): number {
  return lengthBytes + count * tokenBytes;
}

function* encodeFrames(header: Buffer, sequences: readonly TrainSequence[]): Generator<Buffer> {
  yield header;
  for (const sequence of sequences) yield encodeSequence(sequence);
}

function encodeSequence({ tokens, mask, logprobs, advantages }: TrainSequence): Buffer {
  const count = tokens.length;
  const frame = Buffer.allocUnsafe(sequenceFrameBytes(count));
  let at = frame.writeUInt32LE(count * tokenBytes);
  for (const value of logprobs) at = frame.writeDoubleLE(value, at);
  for (const value of advantages) at = frame.writeDoubleLE(value, at);
  for (const value of tokens) at = frame.writeInt32LE(value, at);
  for (const value of mask) at = frame.writeUInt8(value, at);
  return frame;
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

function decodeSequence(frame: Buffer, index: number): TrainSequence {
  const count = frame.length / tokenBytes;
  if (!Number.isInteger(count)) throw new RangeError(`sequence ${index} has ${frame.length} bytes, no multiple of 21`);
  const read = <T>(start: number, size: number, get: (at: number) => T): T[] =>
    Array.from({ length: count }, (_, i) => get(count * start + i * size));
  return {
    logprobs: read(0, 8, (at) => finite(frame.readDoubleLE(at), 'logprob', index)),
    advantages: read(8, 8, (at) => finite(frame.readDoubleLE(at), 'advantage', index)),
    tokens: read(16, 4, (at) => frame.readInt32LE(at)),
    mask: read(20, 1, (at) => (frame.readUInt8(at) === 0 ? 0 : 1)),
  };
}

function finite(value: number, name: string, index: number): number {
  if (!Number.isFinite(value)) throw new RangeError(`sequence ${index} has the ${name} ${value}`);
  return value;
}
