import { readFileSync, writeFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { ConfigError } from '../../core/errors.js';
import { collectGarbage } from '../helpers/collect-garbage.js';
import { mutations } from '../helpers/mutate-bytes.js';
import { TemporaryFolder } from '../helpers/temporary-folder.js';
import { type FuzzedFormat, fuzzedFormats } from './formats.js';

// scripts/fuzz-files.mjs sets them for more and other damage
const cases = Number(process.env.VERLET_FUZZ_CASES ?? 1000);
const seed = Number(process.env.VERLET_FUZZ_SEED ?? 1);

const MAX_CASE_MS = 5000;
const MAX_GROWTH_BYTES = 64 * 2 ** 20;

interface Tally {
  read: number;
  refused: number;
  slowestMs: number;
}

/** Reads each damaged file. Throws what is neither a value nor a ConfigError, with the seed and the case that lead to it. */
async function fuzz({ prepare, read }: FuzzedFormat, count: number): Promise<Tally> {
  using folder = new TemporaryFolder();
  const path = await prepare(folder);
  const tally: Tally = { read: 0, refused: 0, slowestMs: 0 };
  let index = 0;
  for (const bytes of mutations(readFileSync(path), seed, count)) {
    writeFileSync(path, bytes);
    const started = performance.now();
    await read(path).then(
      () => tally.read++,
      (cause: unknown) => {
        if (!(cause instanceof ConfigError)) throw new Error(`case ${index} of seed ${seed}`, { cause });
        tally.refused++;
      },
    );
    tally.slowestMs = Math.max(tally.slowestMs, performance.now() - started);
    index++;
  }
  return tally;
}

function memoryNow(): number {
  collectGarbage();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

it.each(fuzzedFormats.map((format) => [format.name, format] as const))(
  'damage to %s ends in a value or a ConfigError, soon, and leaves no memory behind',
  async (_, format) => {
    const count = Math.ceil(cases * (format.share ?? 1));
    const before = memoryNow();
    const { read, refused, slowestMs } = await fuzz(format, count);
    expect(read + refused).toBe(count);
    expect(refused).toBeGreaterThan(count / 20);
    expect(slowestMs).toBeLessThan(MAX_CASE_MS);
    expect(memoryNow() - before).toBeLessThan(MAX_GROWTH_BYTES);
  },
  600_000,
);
