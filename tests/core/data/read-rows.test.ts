import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, test } from 'vitest';
import { findFiles } from '../../../core/data/find-files.js';
import { readFiles, readRows } from '../../../core/data/read-rows.js';
import { placeOf } from '../../../core/data/row.js';
import { ConfigError } from '../../../core/errors.js';
import { TemporaryFolder } from '../../helpers/temporary-folder.js';
import { never } from '../../helpers/tiny-policy.js';

const fixtures = join(import.meta.dirname, '../../fixtures/data');
const fixture = (name: string): string => join(fixtures, name);

async function readText(name: string, text: string | Uint8Array) {
  using folder = new TemporaryFolder();
  const path = join(folder.path, name);
  writeFileSync(path, text);
  return await readRows(path, never);
}

describe('a parquet file', () => {
  it.each(['rl-snappy', 'rl-zstd', 'sft', 'types'])('%s reads as pyarrow reads it', async (name) => {
    const expected = JSON.parse(readFileSync(fixture(`${name}.json`), 'utf8'));
    expect(await readRows(fixture(`${name}.parquet`), never)).toStrictEqual(expected);
  });

  it('whose integers no number holds exactly is refused, naming row and column', async () => {
    await expect(readRows(fixture('unsafe-integer.parquet'), never)).rejects.toThrow(
      /unsafe-integer\.parquet row 2: id is 9007199254740993, more than a number holds exactly; write it as text/,
    );
  });

  it('that holds bytes is refused, naming row and column', async () => {
    await expect(readRows(fixture('bytes.parquet'), never)).rejects.toThrow(/bytes\.parquet row 1: raw holds bytes/);
  });

  it('that is cut anywhere is a ConfigError that names it', async () => {
    const whole = readFileSync(fixture('rl-snappy.parquet'));
    for (const length of [0, 3, 8, 100, whole.length >> 1, whole.length - 1]) {
      await expect(readText('cut.parquet', whole.subarray(0, length))).rejects.toThrow(ConfigError);
      await expect(readText('cut.parquet', whole.subarray(0, length))).rejects.toThrow(/cut\.parquet/);
    }
  });
});

describe('a file of JSON', () => {
  it('has an object a line; empty lines, CR and a byte order mark are no rows', async () => {
    expect(await readText('a.jsonl', '\uFEFF{"a":1}\r\n\n{"a":null,"b":[2]}')).toEqual([{ a: 1 }, { a: null, b: [2] }]);
  });

  it('called .json may be a list or lines', async () => {
    expect(await readText('a.json', '\n [{"a":1},\n{"a":2}]\n')).toEqual([{ a: 1 }, { a: 2 }]);
    expect(await readText('a.json', '{"a":1}\n{"a":2}\n')).toEqual([{ a: 1 }, { a: 2 }]);
  });

  it('reads lines and letters that lie across chunks of the file', async () => {
    const long = 'é😀'.repeat(300_000);
    expect(await readText('a.jsonl', `${JSON.stringify({ long })}\n{"a":2}`)).toEqual([{ long }, { a: 2 }]);
  });

  it.each([
    ['a.jsonl', '{"a":1}\n{"a":', /a\.jsonl line 2 is no JSON: /],
    ['a.jsonl', '{"a":1}\n\n[1]', /a\.jsonl line 3 is no object/],
    ['a.json', '[{"a":1}, 2]', /a\.json row 2 is no object/],
    ['a.json', '[{"a":1}', /a\.json is no JSON: /],
    ['a.jsonl', new Uint8Array([0x22, 0xff, 0x22]), /a\.jsonl is no UTF-8 text/],
    ['a.csv', 'a,b', /a\.csv is no data file that can be read; name a \.jsonl, \.json, \.parquet/],
  ])('%s of %j is refused, saying where', async (name, text, message) => {
    await expect(readText(name, text)).rejects.toThrow(message);
    await expect(readText(name, text)).rejects.toThrow(ConfigError);
  });
});

describe('files', () => {
  it('are named by paths and patterns; each is read once, in order', async () => {
    using folder = new TemporaryFolder().write({
      'b/2.jsonl': '{"n":2}',
      'b/1.jsonl': '{"n":1}',
      'b/c/3.jsonl': '{"n":3}',
      'b/.hidden.jsonl': '{"n":4}',
      'b/[x].json': '[]',
    });
    const at = (...names: string[]): string[] => names.map((name) => join(folder.path, name));
    expect(await findFiles(at('b/2.jsonl', 'b/*.jsonl'), never)).toEqual(at('b/2.jsonl', 'b/1.jsonl'));
    expect(await findFiles(at('**/?.jsonl'), never)).toEqual(at('b/1.jsonl', 'b/2.jsonl', 'b/c/3.jsonl'));
    expect(await findFiles(at('b/[x].js*'), never)).toEqual(at('b/[x].json'));
    const rows = await readFiles(at('b/2.jsonl', 'b/**/*.jsonl'), never);
    expect(rows.map(({ row }) => row.n)).toEqual([2, 1, 3]);
    expect(rows.map(placeOf)[2]).toBe(`${at('b/c/3.jsonl')[0]} row 1`);
  });

  it('that are missing, folders, or matched by nothing are a ConfigError', async () => {
    using folder = new TemporaryFolder();
    const at = (name: string): string => join(folder.path, name);
    await expect(findFiles(at('a.jsonl'), never)).rejects.toThrow(`no file ${at('a.jsonl')}`);
    await expect(findFiles(at('*.jsonl'), never)).rejects.toThrow(`no file matches ${at('*.jsonl')}`);
    await expect(findFiles(folder.path, never)).rejects.toThrow(/name the files in it, such as .*\*\.parquet/);
  });
});

test('reading ends with the signal’s reason when that is aborted', async () => {
  const reason = new Error('enough');
  const aborted = AbortSignal.abort(reason);
  for (const name of ['rl-zstd.parquet', 'rl-zstd.json']) {
    await expect(readRows(fixture(name), aborted)).rejects.toBe(reason);
  }
});
