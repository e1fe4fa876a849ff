import { readdirSync, readFileSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { type ProtobufField, readFields } from '../../core/trackers/protobuf.js';
import { scanRecords } from '../../core/trackers/record-log.js';
import type { TrackerContext } from '../../core/trackers/tracker-context.js';

/** What a tracker is told when a run in this directory is opened. */
export function offlineContext(directory: string, changes: Partial<TrackerContext> = {}): TrackerContext {
  return {
    directory,
    runName: 'sums-2026-01-31_12-00-00',
    projectName: 'sums',
    config: { seed: 7, optimizer: { lr: 0.0003, betas: [0.9, 0.999] }, model: null },
    env: {},
    startedAt: new Date('2026-01-31T12:00:00.250Z'),
    ...changes,
  };
}

/** The only file below the directory whose name ends so. */
export function onlyFile(directory: string, extension: string): string {
  const names = readdirSync(directory, { recursive: true }).map(String);
  const [name, ...others] = names.filter((one) => one.endsWith(extension));
  if (name === undefined || others.length > 0) throw new Error(`not one ${extension} in ${names.join(' ')}`);
  return join(directory, name);
}

/** The fields of the file's whole records. */
export function recordsOf(path: string): ProtobufField[][] {
  return [...scanRecords(readFileSync(path))].map(({ record }) => readFields(record));
}

/** Leaves the file as a process leaves it that is killed while it writes the record after so many whole ones. */
export function cutAfter(path: string, count: number): void {
  const next = [...scanRecords(readFileSync(path))][count]?.next;
  if (next === undefined) throw new Error(`${path} has no record ${count + 1}`);
  truncateSync(path, next - 5);
}

/** The embedded messages that the fields with this number hold. */
export function messagesOf(fields: readonly ProtobufField[], number: number): ProtobufField[][] {
  return fields.flatMap((field) =>
    field.number === number && field.wire === 'bytes' ? [readFields(field.value)] : [],
  );
}

/** The first field with this number: a string's text, an integer, a double. */
export function plainOf(fields: readonly ProtobufField[], number: number): string | number | undefined {
  const field = fields.find((one) => one.number === number);
  if (field === undefined) return undefined;
  if (field.wire === 'varint') return Number(BigInt.asIntN(64, field.value));
  const bytes = Buffer.from(field.value);
  return field.wire === 'fixed64' ? bytes.readDoubleLE() : bytes.toString();
}
