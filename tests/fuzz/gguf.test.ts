import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Deadline } from '../../core/deadline.js';
import { ConfigError } from '../../core/errors.js';
import { mutations } from '../helpers/mutate-bytes.js';
import { readWholeGguf } from '../helpers/read-whole-gguf.js';
import { TemporaryFolder } from '../helpers/temporary-folder.js';

const fixtures = join(import.meta.dirname, '../fixtures/gguf');
const CASES = 500;
const CASE_MS = 2000;

test.each(['llama.gguf', 'blocks.gguf'])(
  'a damaged %s is read or refused, at once and in little memory',
  async (name) => {
    const original = readFileSync(join(fixtures, name));
    using folder = new TemporaryFolder();
    const path = join(folder.path, name);
    const before = process.memoryUsage().rss;
    let refused = 0;
    let number = 0;
    for (const bytes of mutations(original, 20260, CASES)) {
      writeFileSync(path, bytes);
      using deadline = new Deadline(new AbortController().signal, CASE_MS);
      const started = performance.now();
      const error = await readWholeGguf(path, deadline.signal).catch((reason: unknown) => reason);
      if (error !== undefined) expect(error, `case ${number}`).toBeInstanceOf(ConfigError);
      expect(performance.now() - started, `case ${number}`).toBeLessThan(CASE_MS);
      if (error !== undefined) refused++;
      number++;
    }
    expect(refused).toBeGreaterThan(CASES / 4);
    expect(process.memoryUsage().rss - before).toBeLessThan(200e6);
  },
);
