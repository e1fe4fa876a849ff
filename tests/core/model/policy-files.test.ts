import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ConfigError } from '../../../core/errors.js';
import { withBackends } from '../../helpers/gradient.js';
import { type NamedTensor, readTensors, writeTensors } from '../../helpers/safetensors-files.js';
import {
  leakedTensors,
  never,
  openTinyPolicy,
  sampleEpisodes,
  type TinyPolicy,
  temporaryDirectory,
  tinyUpdate,
  weightValues,
} from '../../helpers/tiny-policy.js';

/** Saves a policy that has been trained, so that weights, moments, step and version are none of a fresh one's. */
async function saveTrained(directory: string): Promise<TinyPolicy> {
  const tiny = openTinyPolicy(1);
  await tiny.trainer.update(await sampleEpisodes(tiny.sampler, 2), tinyUpdate, never);
  await tiny.trainer.save(directory, never);
  return tiny;
}

async function change(path: string, edit: (tensors: Map<string, NamedTensor>) => void): Promise<void> {
  const tensors = await readTensors(path);
  edit(tensors);
  await writeTensors(path, tensors);
}

withBackends(() => {
  describe('a saved policy', () => {
    it('is loaded whole: what follows is the same bit for bit', async () => {
      await using directory = await temporaryDirectory();
      using saved = await saveTrained(directory.path);
      using loaded = openTinyPolicy(2);
      await loaded.trainer.load(directory.path, never);
      expect(await weightValues(loaded.policy)).toEqual(await weightValues(saved.policy));
      expect(loaded.policy.version).toBe(saved.policy.version);
      const sequences = await sampleEpisodes(saved.sampler, 2);
      for (const { trainer } of [saved, loaded]) await trainer.update(sequences, tinyUpdate, never);
      expect(await weightValues(loaded.policy)).toEqual(await weightValues(saved.policy));
    });

    it('costs no tensor to save and to load', async () => {
      await using directory = await temporaryDirectory();
      using tiny = await saveTrained(directory.path);
      const leaked = await leakedTensors(async () => {
        await tiny.trainer.save(directory.path, never);
        await tiny.trainer.load(directory.path, never);
      });
      expect(leaked).toBe(0);
    });
  });

  describe('a directory that does not hold what fits', () => {
    const norm = 'model.norm.weight';
    const damages: { [name: string]: (directory: string) => Promise<void> } = {
      'no weights': (directory) => rm(join(directory, 'model.safetensors')),
      'no moments': (directory) => rm(join(directory, 'optimizer.safetensors')),
      'no state': (directory) => rm(join(directory, 'trainer.json')),
      'a state that is not whole': (directory) => writeFile(join(directory, 'trainer.json'), '{"version":1'),
      'a state with a fraction': (directory) =>
        writeFile(join(directory, 'trainer.json'), '{"version":1,"optimizerStep":0.5}'),
      'a missing weight': (directory) => change(join(directory, 'model.safetensors'), (all) => void all.delete(norm)),
      'a weight of another shape': (directory) =>
        change(join(directory, 'model.safetensors'), (all) => {
          all.set(norm, { shape: [4, 4], values: new Float32Array(16) });
        }),
      'a weight too many': (directory) =>
        change(join(directory, 'model.safetensors'), (all) => {
          all.set('model.layers.2.mlp.up_proj.weight', { shape: [1], values: new Float32Array(1) });
        }),
      'a missing moment': (directory) =>
        change(join(directory, 'optimizer.safetensors'), (all) => void all.delete(`second.${norm}`)),
      'weights that are cut off': async (directory) => {
        const path = join(directory, 'model.safetensors');
        await writeFile(path, (await readFile(path)).subarray(0, -4));
      },
    };

    it.each(Object.entries(damages))('(%s) is a ConfigError that names it, and replaces nothing', async (_, damage) => {
      await using directory = await temporaryDirectory();
      using _saved = await saveTrained(directory.path);
      await damage(directory.path);
      using tiny = openTinyPolicy(2);
      const before = await weightValues(tiny.policy);
      const error = await tiny.trainer.load(directory.path, never).catch((error: unknown) => error);
      expect(error).toBeInstanceOf(ConfigError);
      expect(String(error)).toContain(directory.path);
      expect(await weightValues(tiny.policy)).toEqual(before);
      expect(tiny.policy.version).toBe(0);
    });

    it('is refused by save when it does not exist', async () => {
      await using directory = await temporaryDirectory();
      using tiny = openTinyPolicy();
      await expect(tiny.trainer.save(join(directory.path, 'none'), never)).rejects.toBeInstanceOf(ConfigError);
    });
  });
});
