import { availableParallelism, hostname, platform, release } from 'node:os';
import type { Json } from '../../types.js';
import {
  bytesField,
  message,
  type ProtobufField,
  readFields,
  stringField,
  timestamp,
  varintField,
} from '../protobuf.js';

/** Records of a `.wandb` file, as the schema wandb_internal.proto of the Python package wandb 0.31 numbers them. */
const RECORD = { num: 1, history: 2, summary: 3, config: 5, run: 17, exit: 18, header: 21, environment: 26 } as const;
const ITEM = { key: 1, nestedKey: 2, valueJson: 16 } as const;

/** Ident, magic and version that a `.wandb` file begins with. */
export const wandbMagic: Uint8Array = Uint8Array.of(0x3a, 0x57, 0x26, 0x42, 0xe1, 0xbe, 0x00);

/** What the service shows of a run besides its numbers. */
export interface WandbRun {
  readonly id: string;
  readonly project: string;
  readonly name: string;
  readonly config: Json;
  readonly startedAt: Date;
  readonly entity?: string | undefined;
  readonly group?: string | undefined;
  readonly jobType?: string | undefined;
  readonly notes?: string | undefined;
  readonly tags: readonly string[];
}

/** Numbers by name, in the order they are shown. */
export type WandbRow = ReadonlyMap<string, number>;

/** What a resumed run has to know of a record. */
export type WandbRecord =
  | { readonly kind: 'history'; readonly num: number; readonly step: number; readonly row: WandbRow }
  | { readonly kind: 'exit' | 'other'; readonly num: number };

/** The first record: who wrote the file. */
export function headerRecord(num: number): Uint8Array {
  return record(num, 'header', bytesField(1, stringField(1, 'verlet')));
}

/** Makes the run known, with its whole config. */
export function runRecord(num: number, run: WandbRun): Uint8Array {
  const { entity, group, jobType, notes } = run;
  const fields = [
    stringField(1, run.id),
    ...optional(2, entity),
    stringField(3, run.project),
    bytesField(4, configOf(run.config)),
    ...optional(6, group),
    ...optional(7, jobType),
    stringField(8, run.name),
    ...optional(9, notes),
    ...run.tags.map((tag) => stringField(10, tag)),
    stringField(13, hostname()),
    bytesField(17, timestamp(run.startedAt)),
  ];
  return record(num, 'run', message(...fields));
}

/** Replaces values of the config that the run was made known with. */
export function configRecord(num: number, config: Json): Uint8Array {
  return record(num, 'config', configOf(config));
}

/** Where the run was computed; says nothing of the command line, which may hold secrets. */
export function environmentRecord(num: number, run: Pick<WandbRun, 'id' | 'startedAt'>, root: string): Uint8Array {
  const fields = [
    stringField(1, `${platform()}-${release()}`),
    bytesField(3, timestamp(run.startedAt)),
    stringField(11, root),
    stringField(12, hostname()),
    stringField(14, `node ${process.versions.node}`),
    varintField(17, availableParallelism()),
    stringField(199, run.id),
  ];
  return record(num, 'environment', message(...fields));
}

/** The newest number under each name: what the table of runs shows. */
export function summaryRecord(num: number, row: WandbRow): Uint8Array {
  return record(num, 'summary', message(...itemsOf(row)));
}

/** One row of the run's history. */
export function historyRecord(num: number, step: number, row: WandbRow): Uint8Array {
  return record(num, 'history', message(...itemsOf(row), bytesField(2, varintField(1, step))));
}

/** The run is over; 0 = as it should, anything else failed. */
export function exitRecord(num: number, exitCode: number, runtimeSeconds: number): Uint8Array {
  const fields = message(varintField(1, exitCode), varintField(2, Math.floor(runtimeSeconds)));
  return record(num, 'exit', fields);
}

/** Throws RangeError when the bytes are no record. */
export function readWandbRecord(bytes: Uint8Array): WandbRecord {
  const fields = readFields(bytes);
  const num = Number(fields.find((field) => field.number === RECORD.num)?.value ?? 0);
  const history = bytesOf(fields, RECORD.history);
  if (history !== undefined) return { kind: 'history', num, ...readHistory(readFields(history)) };
  return { kind: bytesOf(fields, RECORD.exit) === undefined ? 'other' : 'exit', num };
}

function readHistory(fields: readonly ProtobufField[]): { step: number; row: WandbRow } {
  const items = fields.flatMap((field) =>
    field.number === 1 && field.wire === 'bytes' ? [readItem(field.value)] : [],
  );
  const step = readFields(bytesOf(fields, 2) ?? new Uint8Array()).find((field) => field.number === 1);
  return { step: Number(step?.value ?? 0), row: new Map(items) };
}

function readItem(bytes: Uint8Array): [name: string, value: number] {
  const fields = readFields(bytes);
  const [name = '', value = ''] = [ITEM.nestedKey, ITEM.valueJson].map((number) => bytesOf(fields, number)?.toString());
  return [name, Number(value)];
}

function bytesOf(fields: readonly ProtobufField[], number: number): Buffer | undefined {
  const field = fields.find((one) => one.number === number);
  return field?.wire === 'bytes' ? Buffer.from(field.value) : undefined;
}

function record(num: number, kind: keyof typeof RECORD, body: Uint8Array): Uint8Array {
  return message(varintField(RECORD.num, num), bytesField(RECORD[kind], body));
}

function optional(number: number, value: string | undefined): Uint8Array[] {
  return value === undefined ? [] : [stringField(number, value)];
}

/** The service's config is an object; any other value stands under `config`. */
function configOf(config: Json): Uint8Array {
  const object = typeof config === 'object' && config !== null && !Array.isArray(config) ? config : { config };
  const items = Object.entries(object).map(([key, value]) =>
    message(stringField(ITEM.key, key), stringField(ITEM.valueJson, JSON.stringify(value))),
  );
  return message(...items.map((item) => bytesField(1, item)));
}

/** A name is one nested key, so that a dot in it means nothing. A number that JSON cannot say is written as Python does. */
function itemsOf(row: WandbRow): Uint8Array[] {
  return [...row].map(([name, value]) => {
    const valueJson = Number.isFinite(value) ? JSON.stringify(value) : String(value);
    return bytesField(1, message(stringField(ITEM.nestedKey, name), stringField(ITEM.valueJson, valueJson)));
  });
}
