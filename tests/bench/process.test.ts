import { execFile } from 'node:child_process';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, expect, test } from 'vitest';
import { rowSchema } from '../../bench/row.js';
import { build } from '../helpers/program.js';

const hasTorch = process.env.VERLET_TORCH_PYTHON !== undefined;

beforeAll(build);

/** Runs the built program as the script does. */
async function bench(...words: string[]): Promise<{ readonly stdout: string; readonly stderr: string }> {
  return promisify(execFile)(process.execPath, [resolve('dist/bench/main.js'), ...words]);
}

function rowsOf(stdout: string) {
  return stdout
    .trimEnd()
    .split('\n')
    .map((line) => rowSchema.parse(JSON.parse(line)));
}

test('gemm measures every product against the peak without PyTorch', async () => {
  const { stdout } = await bench('gemm', '--json', '--peer', 'fma-peak', '--rounds', '1', '--seconds', '0.01');
  const rows = rowsOf(stdout);
  const sizes = ['1024x1024x1024', '2048x576x1536', '2048x1536x576'];
  expect(rows.map((row) => row.case)).toEqual([...sizes, ...sizes.map((size) => `Linear ${size}`)]);
  for (const { ratio, gflops, peerGflops } of rows) expect(ratio).toBeCloseTo(Number(gflops) / Number(peerGflops), 10);
});

test.runIf(hasTorch)(
  'a training step is the same function here and in PyTorch',
  async () => {
    const words = ['--case', 'tiny-1m', '--layers', '1', '--rounds', '1', '--peer', 'torch'];
    const { stdout } = await bench('train', '--json', ...words);
    const [row] = rowsOf(stdout);
    const { ratio, tokensPerSecond, peerTokensPerSecond, loss, peerLoss, lastLoss, peerLastLoss } = row!;
    expect(ratio).toBeCloseTo(Number(tokensPerSecond) / Number(peerTokensPerSecond), 10);
    expect(loss).toBeCloseTo(Number(peerLoss), 3);
    expect(lastLoss).toBeCloseTo(Number(peerLastLoss), 3);
    expect(Number(lastLoss)).toBeLessThan(Number(loss));
    expect(row).toMatchObject({ steps: 1, peer: 'torch' });
  },
  180_000,
);

test('an unknown bench is answered in one sentence with the exit code of a mistake', async () => {
  const failure = { code: 2, stderr: 'error: unknown bench "trian"; did you mean "train"? known: gemm, train, all\n' };
  await expect(bench('trian')).rejects.toMatchObject(failure);
});
