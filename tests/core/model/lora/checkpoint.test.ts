import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ConfigError } from '../../../../core/errors.js';
import { loadPolicy } from '../../../../core/model/load-policy.js';
import { logits } from '../../../../core/model/logits.js';
import { loadAdapter } from '../../../../core/model/lora/load-adapter.js';
import { loraConfig } from '../../../../core/model/lora/lora-config.js';
import { mergedFiles } from '../../../../core/model/lora/merged-files.js';
import { openModel } from '../../../../core/model/open-model.js';
import type { Policy } from '../../../../core/model/policy.js';
import { openModelDirectory } from '../../../../core/model/safetensors/model-directory.js';
import { writeModelDirectory } from '../../../../core/model/safetensors/write-model-directory.js';
import { PolicyTrainer } from '../../../../core/trainer.js';
import { expectClose } from '../../../helpers/expect-close.js';
import { read, withBackends } from '../../../helpers/gradient.js';
import {
  adapterNames,
  adapterPath,
  adapterReference,
  openAdaptedPolicy,
  openBaseFiles,
  openFreshAdapter,
} from '../../../helpers/lora-references.js';
import { checkpointPath } from '../../../helpers/model-references.js';
import { readTensors, writeTensors } from '../../../helpers/safetensors-files.js';
import { TemporaryFolder } from '../../../helpers/temporary-folder.js';
import { never, tinyUpdate, weightValues } from '../../../helpers/tiny-policy.js';

const near = { relative: 0, absolute: 1e-4 };
const sequence = Array.from({ length: 30 }, (_, i) => 3 + ((i * 7) % 50));

withBackends(() => {
  describe('what training writes', () => {
    it.each(adapterNames)('is an adapter over the base of %s that merges into the trained model', async (name) => {
      using folder = new TemporaryFolder();
      const trained = await trainedLogits(await openAdaptedPolicy(name), folder.path);
      expect((await readdir(folder.path)).sort()).toContain('adapter_model.safetensors');
      await using files = await mergedFiles(await openBaseFiles(name), folder.path, never);
      using merged = await loadPolicy(files, {}, never);
      expectClose(logitsOf(merged), trained, near);
    });

    it('is opened by its name, and a merged export of it is the same model', async () => {
      using folder = new TemporaryFolder();
      const [adapter, exported] = [join(folder.path, 'adapter'), join(folder.path, 'exported')];
      const trained = await trainedLogits(await openAdaptedPolicy('gemma3-some'), adapter);
      await using files = await openModel(adapter, { env: {} }, never);
      await writeModelDirectory(files, exported, { dtype: 'F32' }, never);
      await using written = await openModelDirectory(exported, never);
      using policy = await loadPolicy(written, {}, never);
      expectClose(logitsOf(policy), trained, near);
    });

    it('is an adapter over a language model that lies beside others in its checkpoint, too', async () => {
      using folder = new TemporaryFolder();
      await using base = await openModelDirectory(checkpointPath('gemma3-multimodal'), never);
      const lora = loraConfig.parse({ loraRank: 2 });
      const trained = await trainedLogits(await loadPolicy(base, { lora }, never), folder.path);
      await using files = await openModel(folder.path, { env: {} }, never);
      using merged = await loadPolicy(files, {}, never);
      expectClose(logitsOf(merged), trained, near);
    });

    it('says what it is in the words of PEFT', async () => {
      using folder = new TemporaryFolder();
      await trainedLogits(await openAdaptedPolicy('qwen2-all-linear'), folder.path);
      const config: unknown = JSON.parse(await readFile(join(folder.path, 'adapter_config.json'), 'utf8'));
      const base = resolve(checkpointPath('qwen2'));
      expect(config).toMatchObject({
        peft_type: 'LORA',
        r: 4,
        lora_alpha: 8,
        use_rslora: true,
        base_model_name_or_path: base,
      });
      const names = async (directory: string) =>
        [...(await readTensors(join(directory, 'adapter_model.safetensors'))).keys()].sort();
      expect(await names(folder.path)).toEqual(await names(adapterPath('qwen2-all-linear')));
    });

    it('is trained further from where it was', async () => {
      using folder = new TemporaryFolder();
      const trained = await trainedLogits(await openAdaptedPolicy('gemma3-some'), folder.path);
      using policy = await openFreshAdapter('gemma3-some');
      await loadAdapter(policy, folder.path, never);
      expect(logitsOf(policy)).toEqual(trained);
    });
  });

  describe('an adapter', () => {
    it.each(adapterNames)('%s of PEFT merges into a model with its logits', async (name) => {
      await using files = await openModel(adapterPath(name), { env: {} }, never);
      using policy = await loadPolicy(files, {}, never);
      for (const { tokens, logits: expected } of adapterReference(name).cases)
        expectClose(
          read(() => logits(policy, [tokens])),
          expected,
          near,
        );
    });

    it.each([
      ['rank', { loraRank: 8, loraAlpha: 16 }],
      ['scale', { loraRank: 4, loraAlpha: 16 }],
      ['targets', { loraRank: 4, loraAlpha: 8, targetModules: ['q_proj'] }],
      ['targets', { loraRank: 4, loraAlpha: 8, targetModules: 'all-linear' }],
    ])('of another %s is a ConfigError that names the file, and replaces nothing', async (_, settings) => {
      await using base = await openBaseFiles('gemma3-some');
      using policy = await loadPolicy(base, { lora: loraConfig.parse(settings) }, never);
      const before = await weightValues(policy);
      const error = await loadAdapter(policy, adapterPath('gemma3-some'), never).catch((error: unknown) => error);
      expect(error).toBeInstanceOf(ConfigError);
      expect(String(error)).toContain(adapterPath('gemma3-some'));
      expect(await weightValues(policy)).toEqual(before);
    });

    it('is refused by a policy that trains its weights', async () => {
      await using base = await openBaseFiles('gemma3-some');
      using policy = await loadPolicy(base, {}, never);
      await expect(loadAdapter(policy, adapterPath('gemma3-some'), never)).rejects.toThrow(/write loraRank 4/);
    });
  });
});

describe('an adapter_config.json', () => {
  it.each([
    ['use_dora', true],
    ['modules_to_save', ['lm_head']],
    ['rank_pattern', { q_proj: 8 }],
    ['init_lora_weights', 'pissa'],
    ['alora_invocation_tokens', [1]],
    ['bias', 'all'],
  ])('with %s %j, which changes what an adapter computes, is a ConfigError', async (key, value) => {
    using folder = await changedAdapter((config) => ({ ...config, [key]: value }));
    await expect(openModel(folder.path, { env: {} }, never)).rejects.toThrow(
      new RegExp(`adapter_config.json has ${key} .* not supported`),
    );
  });

  it.each([
    ['a rank that is not its tensors’', { r: 8 }, /the rank 8/],
    ['no rank', { r: null }, /is not a LoRA adapter of PEFT: r/],
    ['another method', { peft_type: 'IA3' }, /is not a LoRA adapter of PEFT: peft_type/],
    ['no base', { base_model_name_or_path: null }, /does not name the base model/],
    ['a base of another width', { base_model_name_or_path: 'tests/fixtures/models/qwen2' }, /adapter of model/],
    [
      'a base of fewer layers',
      { base_model_name_or_path: 'tests/fixtures/models/gemma2' },
      /layers\.3.* has no weight/,
    ],
  ])('with %s is a ConfigError', async (_, changes, message) => {
    using folder = await changedAdapter((config) => ({ ...config, ...changes }));
    const error = await openModel(folder.path, { env: {} }, never).catch((error: unknown) => error);
    expect(error).toBeInstanceOf(ConfigError);
    expect(String(error)).toMatch(message);
  });

  it('over weights that lack a factor is a ConfigError', async () => {
    using folder = await changedAdapter((config) => config);
    const path = join(folder.path, 'adapter_model.safetensors');
    const tensors = await readTensors(path);
    tensors.delete('base_model.model.model.layers.1.self_attn.q_proj.lora_B.weight');
    await writeTensors(path, tensors);
    await expect(openModel(folder.path, { env: {} }, never)).rejects.toThrow(
      /adapter of model\.layers\.1\.self_attn\.q_proj/,
    );
  });
});

/** A copy of an adapter with another adapter_config.json. */
async function changedAdapter(change: (config: object) => object): Promise<TemporaryFolder> {
  const source = adapterPath('gemma3-some');
  const config = change(JSON.parse(await readFile(join(source, 'adapter_config.json'), 'utf8')));
  const folder = new TemporaryFolder().write({ 'adapter_config.json': JSON.stringify(config) });
  await writeTensors(
    join(folder.path, 'adapter_model.safetensors'),
    await readTensors(join(source, 'adapter_model.safetensors')),
  );
  return folder;
}

/** Trains the policy a little and saves it; its logits then. Disposes it. */
async function trainedLogits(policy: Policy, directory: string): Promise<number[]> {
  using _ = policy;
  using trainer = new PolicyTrainer(policy);
  const mask = sequence.map((_, t) => (t === 0 ? 0 : 1));
  const batch = [{ tokens: sequence, mask, logprobs: mask.map(() => -3), advantages: mask }];
  const before = logitsOf(policy);
  for (let step = 0; step < 2; step++) await trainer.update(batch, { ...tinyUpdate, lr: 0.01 }, never);
  await mkdir(directory, { recursive: true });
  await trainer.save(directory, never);
  expect(logitsOf(policy)).not.toEqual(before);
  return logitsOf(policy);
}

function logitsOf(policy: Policy): number[] {
  return read(() => logits(policy, [sequence]));
}
