import { appendFileSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { RecordLog, scanRecords } from '../../../core/trackers/record-log.js';
import { TemporaryFolder } from '../../helpers/temporary-folder.js';

const magic = Buffer.from(':W&B\xe1\xbe\0', 'latin1');
let folder: TemporaryFolder;
let path = '';
beforeEach(() => {
  folder = new TemporaryFolder();
  path = join(folder.path, 'deep', 'run.log');
});
afterEach(() => folder[Symbol.dispose]());

/** A record of so many bytes, all alike. */
function filled(size: number, byte = 7): Uint8Array {
  return new Uint8Array(size).fill(byte);
}

async function write(...records: Uint8Array[]): Promise<void> {
  await using log = await RecordLog.create(path, magic);
  for (const record of records) await log.append([record]);
}

/** The file's records, one character a byte. */
function read(): string[] {
  return texts([...scanRecords(readFileSync(path))].map(({ record }) => record));
}

function texts(records: readonly Uint8Array[]): string[] {
  return records.map((record) => Buffer.from(record).toString('latin1'));
}

test('a small record is one chunk: checksum of kind and data, length, kind 1', async () => {
  await write(Buffer.from('abc'));
  const bytes = readFileSync(path);
  expect(bytes.subarray(0, 7)).toEqual(magic);
  expect(bytes.readUInt32LE(7)).toBe(crc32('\x01abc'));
  expect(bytes.subarray(11).toString('latin1')).toBe('\x03\x00\x01abc');
});

test('bytes that wandb 0.31 wrote are read', () => {
  const header =
    '3a572642e1be00' + // ident, magic, version
    '63a31a5b4d0001' + // checksum, 77 bytes, kind
    '0801c20c0a0a086162636431323334aa013b0a390a2f302e33312e302b3135663863626335383164316335636663366533316636386234' +
    '38626464313363656332646432631206302e37302e30';
  folder.write({ 'deep/run.log': '' });
  writeFileSync(path, Buffer.from(header, 'hex'));
  expect(read()).toEqual([expect.stringContaining('0.31.0+15f8cbc581d1c5cfc6e31f68b48bdd13cec2dd2c')]);
});

test.each([0, 1, 32_754, 32_755, 32_747, 32_748, 32_749, 40_000, 100_000, 65_516])(
  'records around one of %d bytes come back, whatever block ends lie in them',
  async (size) => {
    const records = [filled(3, 1), filled(size), filled(32_000, 2), filled(9, 3)];
    await write(...records);
    expect(read()).toEqual(texts(records));
  },
);

test('a large record is cut into first, middle and last chunks that fill their blocks', async () => {
  await write(filled(100_000));
  const bytes = readFileSync(path);
  const kinds = [7, 32_768, 65_536, 98_304].map((position) => bytes[position + 6]);
  expect(kinds).toEqual([2, 3, 3, 4]);
  expect(bytes.readUInt16LE(32_768 + 4)).toBe(32_768 - 7);
});

test('after a crash within a record all before it is there, and the next takes its place', async () => {
  await write(filled(10, 1), filled(40_000, 2));
  truncateSync(path, 35_000);
  expect(read()).toHaveLength(1);
  await using log = await RecordLog.reopen(path, () => true);
  await log.append([filled(5, 3)]);
  expect(read()).toEqual(texts([filled(10, 1), filled(5, 3)]));
});

test('a record with a wrong checksum ends the reading', async () => {
  await write(filled(4, 1), filled(4, 2), filled(4, 3));
  const bytes = readFileSync(path);
  bytes[7 + 11 + 7] = 0;
  writeFileSync(path, bytes);
  expect(read()).toEqual(texts([filled(4, 1)]));
  appendFileSync(path, 'rest');
  expect(read()).toHaveLength(1);
});

test('reopened, the file ends before the first record that is refused', async () => {
  await write(filled(4, 1), filled(4, 2), filled(4, 1));
  await using log = await RecordLog.reopen(path, (record) => record[0] === 1);
  await log.append([filled(2, 9)]);
  expect(read()).toEqual(texts([filled(4, 1), filled(2, 9)]));
});

test('a record written at an earlier position replaces all from there on', async () => {
  await using log = await RecordLog.create(path, magic);
  await log.append([filled(4, 1)]);
  const position = await log.append([filled(50, 2), filled(50, 3)]);
  await log.append([filled(6, 4)], position);
  await log.append([filled(1, 5)]);
  expect(read()).toEqual(texts([filled(4, 1), filled(6, 4), filled(1, 5)]));
});
