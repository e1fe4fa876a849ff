import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ConfigError } from '../../../../core/errors.js';
import { openSafetensors } from '../../../../core/model/safetensors/read-safetensors.js';
import { type TensorToWrite, writeSafetensors } from '../../../../core/model/safetensors/write-safetensors.js';
import { Rng } from '../../../../core/rng.js';
import { collectGarbage } from '../../../helpers/collect-garbage.js';
import { readTensors, writeTensors } from '../../../helpers/safetensors-files.js';
import { TemporaryFolder } from '../../../helpers/temporary-folder.js';
import { never } from '../../../helpers/tiny-policy.js';

function tensor(name: string, dtype: TensorToWrite['dtype'], values: readonly number[]): TensorToWrite {
  return { name, dtype, shape: [values.length], values: async () => Float32Array.from(values) };
}

const tensors = new Map([
  ['b', { shape: [2, 3], values: Float32Array.of(1, -2, 3.5, 1e-38, -0, 3e38) }],
  ['empty', { shape: [0, 4], values: new Float32Array(0) }],
  ['a', { shape: [], values: Float32Array.of(Math.PI) }],
]);

describe('tensors that are written', () => {
  it('come back bit for bit, whatever their shapes', async () => {
    using folder = new TemporaryFolder();
    const path = join(folder.path, 'a.safetensors');
    await writeTensors(path, tensors);
    expect(await readTensors(path)).toEqual(tensors);
  });

  it('come back rounded to their dtype, with the metadata', async () => {
    using folder = new TemporaryFolder();
    const path = join(folder.path, 'a.safetensors');
    const values = [1 / 3, -1e-7, 1e-8, 60000];
    const all = (['F16', 'BF16', 'F32'] as const).map((dtype) => tensor(dtype, dtype, values));
    await writeSafetensors(path, all, { metadata: { format: 'pt' } }, never);
    await using file = await openSafetensors(path, never);
    expect([...file.metadata]).toEqual([['format', 'pt']]);
    expect([...(await file.read('F32', never))]).toEqual(values.map(Math.fround));
    // numpy.float16 and torch.bfloat16 of the same values
    expect([...(await file.read('F16', never))]).toEqual([0.333251953125, -1.1920928955078125e-7, 0, 60000]);
    expect([...(await file.read('BF16', never))].map(Math.fround)).toEqual(
      [0.333984375, -1.0011717677116394e-7, 1.0011717677116394e-8, 59904].map(Math.fround),
    );
  });

  it('that are longer than the memory used for them come back whole', async () => {
    using folder = new TemporaryFolder();
    const path = join(folder.path, 'a.safetensors');
    const rng = new Rng(1);
    const values = Float32Array.from({ length: 2 ** 22 + 3 }, () => rng.int(256));
    const all = (['F32', 'BF16'] as const).map((dtype) => ({
      ...tensor(dtype, dtype, []),
      shape: [values.length],
      values: async () => values,
    }));
    await writeSafetensors(path, all, {}, never);
    await using file = await openSafetensors(path, never);
    for (const name of ['F32', 'BF16'])
      expect(Buffer.compare(Buffer.from((await file.read(name, never)).buffer), Buffer.from(values.buffer))).toBe(0);
  });

  it('start at a multiple of 8 bytes, each value at a multiple of its width', async () => {
    using folder = new TemporaryFolder();
    const path = join(folder.path, 'a.safetensors');
    for (let length = 1; length <= 8; length++) {
      const all = [tensor('x'.repeat(length), 'F16', [1]), tensor('y', 'F32', [1])];
      await writeSafetensors(path, all, {}, never);
      expect(Number(readFileSync(path).readBigUInt64LE()) % 8).toBe(0);
      await using file = await openSafetensors(path, never);
      expect(file.tensors.get('y')?.start).toBe(0);
    }
  });

  it('are asked for one after the other, when their turn comes', async () => {
    using folder = new TemporaryFolder();
    const events: string[] = [];
    const all = ['a', 'b', 'c'].map((name) => ({
      ...tensor(name, 'BF16', [1, 2]),
      values: async () => {
        events.push(name);
        return Float32Array.of(1, 2);
      },
    }));
    const writing = writeSafetensors(join(folder.path, 'a.safetensors'), all, {}, never);
    expect(events).toEqual([]);
    await writing;
    expect(events).toEqual(['a', 'b', 'c']);
  });

  it.each(['F16', 'BF16'] as const)('and are too large for %s are a ConfigError that names them', async (dtype) => {
    using folder = new TemporaryFolder();
    const all = [tensor('fits', dtype, [1]), tensor('mlp.weight', dtype, [1, -3.4e38])];
    const writing = writeSafetensors(join(folder.path, 'a.safetensors'), all, {}, never);
    await expect(writing).rejects.toThrow(ConfigError);
    await expect(writing).rejects.toThrow(/mlp\.weight holds -3\.39\d+e\+38, which is too large/);
  });

  it('need a directory', async () => {
    using folder = new TemporaryFolder();
    const writing = writeTensors(join(folder.path, 'none/a.safetensors'), tensors);
    await expect(writing).rejects.toThrow(ConfigError);
  });

  it('stop being written when the signal aborts', async () => {
    using folder = new TemporaryFolder();
    const controller = new AbortController();
    const last = { ...tensor('z', 'F32', [1]), values: () => Promise.reject(new Error('asked for too much')) };
    const first = {
      ...tensor('a', 'F32', [1]),
      values: async () => {
        controller.abort(new Error('enough'));
        return Float32Array.of(1);
      },
    };
    const writing = writeSafetensors(join(folder.path, 'a.safetensors'), [first, last], {}, controller.signal);
    await expect(writing).rejects.toThrow('enough');
  });
});

it('a file of many tensors is written and read in the memory of one of them', async () => {
  using folder = new TemporaryFolder();
  const path = join(folder.path, 'a.safetensors');
  const megabytes = 40;
  let largest = 0;
  const start = memoryNow();
  const observe = () => {
    largest = Math.max(largest, memoryNow() - start);
  };
  const all = Array.from({ length: megabytes }, (_, i) => ({
    ...tensor(`t${i}`, 'BF16', []),
    shape: [2 ** 18],
    values: async () => {
      observe();
      return new Float32Array(2 ** 18).fill(i);
    },
  }));
  await writeSafetensors(path, all, {}, never);
  await using file = await openSafetensors(path, never);
  for (const name of file.tensors.keys()) {
    await file.read(name, never);
    observe();
  }
  expect(largest / 2 ** 20).toBeLessThan(8); // a tensor of 1 MB, the scratch of 4, and what waits for the collector
});

function memoryNow(): number {
  collectGarbage();
  return process.memoryUsage().arrayBuffers;
}
