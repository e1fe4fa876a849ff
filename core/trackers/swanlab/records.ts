import {
  bytesField,
  doubleField,
  message,
  type ProtobufField,
  readFields,
  stringField,
  timestamp,
  varintField,
} from '../protobuf.js';

/** Records of a `.swanlab` file, as the schemas of the Python package swanlab 0.10 number them. */
const RECORD = { num: 1, timestamp: 2, start: 10, finish: 11, column: 12, scalar: 13, save: 20 } as const;
/** Records that are of the run as a whole have fixed numbers; the others count up from 1. */
const NUM = { start: -1, finish: -2, config: -3, metadata: -4 } as const;
const STATE = { finished: 1, crashed: 2, aborted: 3 } as const;
const SCALAR = 1;
const CUSTOM_CLASS = 1;
const PUBLIC_SECTION = 3;

/** Ident, magic and version 2 that a `.swanlab` file begins with. */
export const swanlabMagic: Uint8Array = Uint8Array.of(0x3a, 0x53, 0x57, 0x4c, 0xd6, 0xe1, 0x02);

/** What the service shows of a run besides its numbers. */
export interface SwanlabRun {
  readonly id: string;
  readonly project: string;
  readonly name: string;
  readonly startedAt: Date;
  readonly workspace?: string | undefined;
  readonly description?: string | undefined;
  readonly group?: string | undefined;
  readonly jobType?: string | undefined;
  readonly tags: readonly string[];
}

/** What a resumed run has to know of a record. */
export type SwanlabRecord =
  | { readonly kind: 'scalar'; readonly num: number; readonly key: string; readonly step: number }
  | { readonly kind: 'column'; readonly num: number; readonly key: string }
  | { readonly kind: 'finish' | 'other'; readonly num: number };

/** The first record: makes the run known. */
export function startRecord(run: SwanlabRun, now: Date): Uint8Array {
  const { workspace, description, group, jobType } = run;
  const fields = [
    stringField(1, run.project),
    ...optional(2, workspace),
    stringField(4, run.name),
    ...optional(5, description),
    ...run.tags.map((tag) => stringField(6, tag)),
    ...optional(7, group),
    ...optional(8, jobType),
    stringField(10, run.id),
    bytesField(12, timestamp(run.startedAt)),
  ];
  return record(NUM.start, now, bytesField(RECORD.start, message(...fields)));
}

/** The run is over, and how; the error is shown where it did not finish. */
export function finishRecord(state: keyof typeof STATE, error: string, now: Date): Uint8Array {
  const fields = message(varintField(1, STATE[state]), stringField(2, error), bytesField(3, timestamp(now)));
  return record(NUM.finish, now, bytesField(RECORD.finish, fields));
}

/** Makes a metric known, in the section that is named before its first slash. */
export function columnRecord(num: number, key: string, now: Date): Uint8Array {
  const section = key.includes('/') ? key.slice(0, key.indexOf('/')) : '';
  const fields = [
    varintField(1, CUSTOM_CLASS),
    varintField(2, SCALAR),
    stringField(3, key),
    stringField(5, section),
    varintField(6, PUBLIC_SECTION),
  ];
  return record(num, now, bytesField(RECORD.column, message(...fields)));
}

/** One number of a metric. */
export function scalarRecord(num: number, point: { key: string; step: number; value: number }, now: Date): Uint8Array {
  const fields = [
    stringField(1, point.key),
    varintField(2, point.step),
    varintField(3, SCALAR),
    bytesField(4, timestamp(now)),
    bytesField(5, doubleField(1, point.value)),
  ];
  return record(num, now, bytesField(RECORD.scalar, message(...fields)));
}

/** A file of the run's that belongs to the upload. It is looked for in `files/` too, should the run have been moved. */
export function saveRecord(kind: 'config' | 'metadata', path: string, now: Date): Uint8Array {
  const type = { config: 1, metadata: 2 }[kind];
  const fields = message(stringField(1, kind), stringField(2, path), varintField(5, type));
  return record(NUM[kind], now, bytesField(RECORD.save, fields));
}

/** Throws RangeError when the bytes are no record. */
export function readSwanlabRecord(bytes: Uint8Array): SwanlabRecord {
  const fields = readFields(bytes);
  const num = intOf(fields, RECORD.num);
  const [scalar, column, finish] = [RECORD.scalar, RECORD.column, RECORD.finish].map((field) => bytesOf(fields, field));
  if (scalar !== undefined) {
    const parts = readFields(scalar);
    return { kind: 'scalar', num, key: bytesOf(parts, 1)?.toString() ?? '', step: intOf(parts, 2) };
  }
  if (column !== undefined) return { kind: 'column', num, key: bytesOf(readFields(column), 3)?.toString() ?? '' };
  return { kind: finish === undefined ? 'other' : 'finish', num };
}

function intOf(fields: readonly ProtobufField[], number: number): number {
  const field = fields.find((one) => one.number === number);
  return field?.wire === 'varint' ? Number(BigInt.asIntN(64, field.value)) : 0;
}

function bytesOf(fields: readonly ProtobufField[], number: number): Buffer | undefined {
  const field = fields.find((one) => one.number === number);
  return field?.wire === 'bytes' ? Buffer.from(field.value) : undefined;
}

function record(num: number, now: Date, body: Uint8Array): Uint8Array {
  return message(varintField(RECORD.num, num), bytesField(RECORD.timestamp, timestamp(now)), body);
}

function optional(number: number, value: string | undefined): Uint8Array[] {
  return value === undefined ? [] : [stringField(number, value)];
}
