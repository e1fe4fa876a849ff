import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ProtobufField, readFields } from '../../core/trackers/protobuf.js';
import { maskedCrc32c } from '../../core/trackers/tensorboard/record-frame.js';
import { messagesOf, plainOf } from './offline-run.js';

/** One event of a file, as its fields say. */
export interface ReadEvent {
  readonly wallTime: number;
  readonly step: number;
  readonly fileVersion?: string;
  /** 1 = start. */
  readonly sessionStatus?: number;
  readonly scalars: { readonly [tag: string]: number };
  readonly texts: { readonly [tag: string]: readonly string[] };
}

/** The event files of a run's directory, in the order in which readers take them. */
export function eventFiles(directory: string): string[] {
  const folder = join(directory, 'tensorboard');
  return readdirSync(folder)
    .sort()
    .map((name) => join(folder, name));
}

/** Every event of the file; throws where a checksum is wrong or the last record is cut off. */
export function readEvents(path: string): ReadEvent[] {
  const events: ReadEvent[] = [];
  const bytes = readFileSync(path);
  for (let position = 0; position < bytes.length; ) {
    const end = position + 12 + Number(bytes.readBigUInt64LE(position));
    const data = bytes.subarray(position + 12, end);
    const isWhole =
      bytes.readUInt32LE(position + 8) === maskedCrc32c(bytes.subarray(position, position + 8)) &&
      bytes.readUInt32LE(end) === maskedCrc32c(data);
    if (!isWhole) throw new Error(`${path} is damaged at ${position}`);
    events.push(readEvent(readFields(data)));
    position = end + 4;
  }
  return events;
}

function readEvent(fields: readonly ProtobufField[]): ReadEvent {
  const fileVersion = plainOf(fields, 3);
  const sessionStatus = messagesOf(fields, 7).map((session) => plainOf(session, 1))[0];
  const values = messagesOf(fields, 5).flatMap((summary) => messagesOf(summary, 1));
  const scalars = values.filter((value) => value.some(({ number }) => number === 2));
  const texts = values.filter((value) => value.some(({ number }) => number === 8));
  return {
    wallTime: Number(plainOf(fields, 1)),
    step: Number(plainOf(fields, 2) ?? 0),
    ...(fileVersion === undefined ? {} : { fileVersion: String(fileVersion) }),
    ...(sessionStatus === undefined ? {} : { sessionStatus: Number(sessionStatus) }),
    scalars: Object.fromEntries(scalars.map((value) => [String(plainOf(value, 1)), floatOf(value, 2)])),
    texts: Object.fromEntries(texts.map((value) => [String(plainOf(value, 1)), textsOf(value)])),
  };
}

/** The strings of a text plugin's tensor, of the shape that it says. */
function textsOf(value: readonly ProtobufField[]): string[] {
  const [tensor = []] = messagesOf(value, 8);
  const [dimension = []] = messagesOf(tensor, 2).flatMap((shape) => messagesOf(shape, 2));
  const [plugin = []] = messagesOf(value, 9).flatMap((metadata) => messagesOf(metadata, 1));
  const strings = tensor.filter(({ number }) => number === 8);
  if (plainOf(plugin, 1) !== 'text' || plainOf(dimension, 1) !== strings.length)
    throw new Error('not a column of texts');
  return strings.map((field) => String(plainOf([field], 8)));
}

function floatOf(fields: readonly ProtobufField[], number: number): number {
  const field = fields.find((one) => one.number === number);
  return field?.wire === 'fixed32' ? Buffer.from(field.value).readFloatLE() : Number.NaN;
}
