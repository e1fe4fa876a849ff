import { spawnSync } from 'node:child_process';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { algorithmConfig } from '../../core/algorithm-config.js';
import { loadLatestCheckpoint, saveCheckpoint } from '../../core/checkpoint.js';
import { ConfigError } from '../../core/errors.js';
import { initialLoopState } from '../../core/loop-state.js';
import { type RunState, runState } from '../../core/run-state.js';
import type { Trainer } from '../../core/types.js';
import { never, temporaryDirectory } from '../helpers/tiny-policy.js';

/** A trainer whose weights are one text; saving may fail after the first of its two files. */
class TextTrainer implements Trainer {
  text = 'fresh';
  failure: Error | undefined;

  async infer() {
    return {};
  }
  async update() {
    return {};
  }
  async publish() {
    return 0;
  }
  async save(directory: string): Promise<void> {
    await writeFile(join(directory, 'weights'), this.text);
    if (this.failure !== undefined) throw this.failure;
    await writeFile(join(directory, 'moments'), this.text);
  }
  async load(directory: string): Promise<void> {
    this.text = await readFile(join(directory, 'moments'), 'utf8');
  }
}

const loop = initialLoopState(algorithmConfig.parse({}));

function stateAt(step: number): RunState {
  return { step, nextTask: 8 * step, seed: 1, initialReward: step === 0 ? null : 0.25, loop };
}

async function save(root: string, step: number, trainer: TextTrainer, keep = 2): Promise<string> {
  trainer.text = `weights ${step}`;
  return saveCheckpoint(root, { state: stateAt(step), trainer, keep }, never);
}

describe('checkpoints', () => {
  it('come back as the newest one, by number and not by name', async () => {
    await using root = await temporaryDirectory();
    const trainer = new TextTrainer();
    for (const step of [9, 10]) await save(root.path, step, trainer);
    const loaded = new TextTrainer();
    expect(await loadLatestCheckpoint(root.path, { trainer: loaded, schema: runState }, never)).toEqual(stateAt(10));
    expect(loaded.text).toBe('weights 10');
  });

  it('are none where there is no directory yet, and saving makes it', async () => {
    await using root = await temporaryDirectory();
    const path = join(root.path, 'deep', 'checkpoints');
    const trainer = new TextTrainer();
    expect(await loadLatestCheckpoint(path, { trainer, schema: runState }, never)).toBeUndefined();
    expect(trainer.text).toBe('fresh');
    expect(await save(path, 0, trainer)).toBe(join(path, 'global_step_0'));
    expect(await loadLatestCheckpoint(path, { trainer, schema: runState }, never)).toEqual(stateAt(0));
  });

  it.each([1, 3])('are kept to the newest %d', async (keep) => {
    await using root = await temporaryDirectory();
    for (const step of [8, 9, 10, 11]) await save(root.path, step, new TextTrainer(), keep);
    const kept = [8, 9, 10, 11].slice(-keep).map((step) => `global_step_${step}`);
    expect((await readdir(root.path)).sort()).toEqual(kept.sort());
  });

  it('of the same step replace each other', async () => {
    await using root = await temporaryDirectory();
    const trainer = new TextTrainer();
    await save(root.path, 1, trainer);
    trainer.text = 'again';
    await saveCheckpoint(root.path, { state: stateAt(1), trainer, keep: 2 }, never);
    expect(await readFile(join(root.path, 'global_step_1', 'weights'), 'utf8')).toBe('again');
    expect(await readdir(root.path)).toEqual(['global_step_1']);
  });
});

describe('a save that fails in the middle', () => {
  it('leaves the older checkpoints and nothing of its own', async () => {
    await using root = await temporaryDirectory();
    const trainer = new TextTrainer();
    for (const step of [1, 2]) await save(root.path, step, trainer);
    trainer.failure = new Error('no space left on device');
    await expect(save(root.path, 3, trainer, 1)).rejects.toBe(trainer.failure);
    expect((await readdir(root.path)).sort()).toEqual(['global_step_1', 'global_step_2']);
    expect(await loadLatestCheckpoint(root.path, { trainer, schema: runState }, never)).toEqual(stateAt(2));
  });
});

describe('what a process that died left half written', () => {
  it('is never loaded and is removed by the next save; what a living one writes stays', async () => {
    await using root = await temporaryDirectory();
    const dead = spawnSync(process.execPath, ['-e', '']).pid;
    const names = [`tmp-${dead}-5`, `tmp-${dead}-5-replaced`, `tmp-${process.ppid}-5`];
    for (const name of names) {
      await mkdir(join(root.path, name));
      await writeFile(join(root.path, name, 'state.json'), JSON.stringify(stateAt(5)));
    }
    expect(
      await loadLatestCheckpoint(root.path, { trainer: new TextTrainer(), schema: runState }, never),
    ).toBeUndefined();
    await save(root.path, 1, new TextTrainer());
    expect((await readdir(root.path)).sort()).toEqual(['global_step_1', `tmp-${process.ppid}-5`]);
  });
});

describe('a corrupt checkpoint', () => {
  it.each([
    ['is no JSON', '{"step":1'],
    ['has no task position', JSON.stringify({ ...stateAt(1), nextTask: undefined })],
    ['has a field that nobody knows', JSON.stringify({ ...stateAt(1), rng: 3 })],
    ['has a negative step', JSON.stringify({ ...stateAt(1), step: -1 })],
  ])('whose state %s is a ConfigError that names the file, and nothing is loaded', async (_, text) => {
    await using root = await temporaryDirectory();
    const path = await save(root.path, 1, new TextTrainer());
    await writeFile(join(path, 'state.json'), text);
    const trainer = new TextTrainer();
    const error = await loadLatestCheckpoint(root.path, { trainer, schema: runState }, never).catch(
      (error: unknown) => error,
    );
    expect(error).toBeInstanceOf(ConfigError);
    expect(String(error)).toContain(join(path, 'state.json'));
    expect(trainer.text).toBe('fresh');
  });

  it('directory that cannot be read is a ConfigError, not a fresh start', async () => {
    await using root = await temporaryDirectory();
    const path = join(root.path, 'checkpoints');
    await writeFile(path, 'a file');
    await expect(
      loadLatestCheckpoint(path, { trainer: new TextTrainer(), schema: runState }, never),
    ).rejects.toBeInstanceOf(ConfigError);
  });
});
