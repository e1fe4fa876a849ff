import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { ModelFiles } from '../../core/model/model-files.js';
import { openModel } from '../../core/model/open-model.js';
import { writeModel } from '../../core/model/write-model.js';
import { chatModel, writeAdapter, writeChatModel } from '../helpers/chat-model.js';
import { runCli } from '../helpers/cli.js';
import { TemporaryFolder } from '../helpers/temporary-folder.js';
import { never } from '../helpers/tiny-policy.js';

const fixtures = 'tests/fixtures/models';

async function valuesOf(path: string): Promise<ReadonlyMap<string, Float32Array>> {
  await using files = await openModel(path, { env: {} }, never);
  const values = new Map<string, Float32Array>();
  for (const name of [...files.tensors.keys()].sort()) values.set(name, await files.read(name, never));
  return values;
}

describe('info', () => {
  test('--json tells what a model is', async () => {
    const { stdout } = await runCli(['model', 'info', `${fixtures}/gemma3`, '--json']);
    expect(JSON.parse(stdout)).toMatchObject({
      architecture: 'gemma3_text',
      parameters: 15_216,
      layers: 4,
      attentionHeads: 4,
      keyValueHeads: 2,
      headDim: 12,
      context: 1024,
      window: 6,
      vocabulary: 64,
      isHeadTied: true,
      rope: [{ theta: 1000, scaling: { type: 'linear', factor: 4 } }, { theta: 50 }],
      dtypes: { F32: { tensors: 54, bytes: 60_864 } },
      float32Bytes: 60_864,
      tokenizer: null,
      chatTemplate: null,
    });
  });

  test.each(['llama', 'qwen2', 'qwen3', 'gemma2', 'smollm2'])(
    'the parameters of %s are those in its files',
    async (name) => {
      const { stdout } = await runCli(['model', 'info', `${fixtures}/${name}`, '--json']);
      const counts = [...(await valuesOf(`${fixtures}/${name}`)).values()].map(({ length }) => length);
      const total = counts.reduce((sum, count) => sum + count, 0);
      expect(JSON.parse(stdout)).toMatchObject({ parameters: total, float32Bytes: 4 * total });
    },
  );

  test('the table has tokenizer, special tokens and chat template', async () => {
    using model = await chatModel({ template: '{% if tools %}{{ tools }}{% endif %}' });
    const { stdout } = await runCli(['model', 'info', model.path]);
    expect(stdout).toContain('tokenizer      byte-level BPE, 398 tokens\n');
    expect(stdout).toContain('eos token      <|im_end|> (392)\n');
    expect(stdout).toContain('chat template  with tools\n');
  });

  test('--tensors lists every tensor', async () => {
    const { stdout } = await runCli(['model', 'info', `${fixtures}/smollm2`, '--tensors']);
    expect(stdout).toMatch(/^model\.embed_tokens\.weight +BF16 \[77, 18\] 2\.8 kB$/m);
    expect(stdout).toMatch(/^model\.layers\.2\.mlp\.down_proj\.weight +BF16 /m);
  });
});

describe('convert', () => {
  test.each([
    ...['llama', 'llama3-rope', 'qwen2', 'qwen3', 'smollm2'].map((name) => `${fixtures}/${name}`),
    ...['gemma2', 'gemma3'].map((name) => `tests/fixtures/gguf/${name}`),
  ])('%s to GGUF and back has the same tensors', async (path) => {
    using folder = new TemporaryFolder();
    const [gguf, back] = [join(folder.path, 'model.gguf'), join(folder.path, 'back')];
    await runCli(['model', 'convert', path, gguf]);
    const { stdout } = await runCli(['model', 'convert', gguf, back]);
    expect(stdout).toBe(`${back}: safetensors, ${path.endsWith('smollm2') ? 'BF16' : 'F32'}\n`);
    expect(await valuesOf(back)).toEqual(await valuesOf(path));
    expect(readdirSync(folder.path)).toEqual(['back', 'model.gguf']);
  });

  test('the tokenizer goes along', async () => {
    using folder = await chatModel();
    const [gguf, back] = [join(folder.path, 'model.gguf'), join(folder.path, 'back')];
    await runCli(['model', 'convert', folder.path, gguf]);
    await runCli(['model', 'convert', gguf, back]);
    const info = async (path: string) => JSON.parse((await runCli(['model', 'info', path, '--json'])).stdout);
    expect((await info(back)).chatTemplate).toEqual({ writesTools: false });
    expect((await info(back)).tokenizer.named.eos_token).toEqual((await info(folder.path)).tokenizer.named.eos_token);
  });

  test('--dtype rounds', async () => {
    using folder = new TemporaryFolder();
    const out = join(folder.path, 'half');
    await runCli(['model', 'convert', `${fixtures}/qwen3`, out, '--dtype', 'f16']);
    const { dtypes } = JSON.parse((await runCli(['model', 'info', out, '--json'])).stdout);
    expect(Object.keys(dtypes)).toEqual(['F16']);
  });
});

describe('export', () => {
  test('an adapter is merged, in float32', async () => {
    using folder = new TemporaryFolder();
    await writeChatModel(folder, 'base');
    await writeAdapter(folder, 'adapter', join(folder.path, 'base'));
    const [base, adapter, out] = ['base', 'adapter', 'out'].map((name) => join(folder.path, name));
    await runCli(['model', 'export', `${base}`, '--adapter', `${adapter}`, '--out', `${out}`]);
    const merged = await valuesOf(`${out}`);
    expect(merged).toEqual(await valuesOf(`${adapter}`));
    const name = 'model.layers.0.self_attn.q_proj.weight';
    expect(merged.get(name)).not.toEqual((await valuesOf(`${base}`)).get(name));
  });

  test('a run is its newest checkpoint', async () => {
    using run = new TemporaryFolder().write({ 'config.yaml': '' });
    await writeChatModel(run, 'checkpoints/global_step_3');
    const out = join(run.path, 'trained.gguf');
    const { stdout } = await runCli(['model', 'export', run.path, '--out', out]);
    expect(stdout).toBe(`${out}: gguf, F32\n`);
    expect(await valuesOf(out)).toEqual(await valuesOf(join(run.path, 'checkpoints/global_step_3')));
  });

  test.each([
    [['--out', 'here', '--format', 'gguf'], 'write here.gguf instead of here'],
    [
      ['--out', 'x.gguf', '--format', 'safetensors'],
      'x.gguf names a GGUF file, --format safetensors writes a directory',
    ],
    [['--out', fixtures], `${fixtures} is there already: name a path that is free`],
    [['--out', 'nowhere/model'], 'there is no directory nowhere to write nowhere/model to: make it first'],
    [['--out', 'x', '--dtype', 'q4'], 'Allowed choices are f32, f16, bf16'],
    [[], "required option '--out <path>' not specified"],
  ])('%j is answered with "%s"', async (words, sentence) => {
    const { exitCode, stderr } = await runCli(['model', 'export', `${fixtures}/qwen3`, ...words]);
    expect(exitCode).toBe(2);
    expect(stderr).toContain(sentence);
  });

  test('an unknown command below model is answered with exit code 2', async () => {
    expect(await runCli(['model', 'inform'])).toMatchObject({ exitCode: 2, stdout: '' });
  });
});

test.each(['safetensors', 'gguf'] as const)('writing %s that is aborted leaves nothing', async (format) => {
  using folder = new TemporaryFolder();
  const abort = new AbortController();
  await using files = await openModel(`${fixtures}/qwen3`, { env: {} }, never);
  const read: ModelFiles['read'] = async (name, signal) => {
    if (name.includes('layers.1')) abort.abort(new Error('enough'));
    return files.read(name, signal);
  };
  const { source, config, tensors, text } = files;
  const aborted = { source, config, tensors, text, read, [Symbol.asyncDispose]: async () => undefined };
  const path = join(folder.path, 'out.gguf');
  await expect(writeModel(aborted, { path, format, dtype: 'F32' }, abort.signal)).rejects.toThrow('enough');
  expect(readdirSync(folder.path)).toEqual([]);
});
