import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { resolveSft } from '../../cli/resolve-sft.js';
import { byteTextFiles } from '../../core/text/byte-text-files.js';
import { runCli } from '../helpers/cli.js';
import { conversationRows, jsonl, sftFiles } from '../helpers/sft-files.js';
import { TemporaryFolder } from '../helpers/temporary-folder.js';
import { writeTinyCheckpoint } from '../helpers/tiny-checkpoint.js';
import { never } from '../helpers/tiny-policy.js';

const user = { role: 'user', content: 'hi' };
const answer = { role: 'assistant', content: 'ho' };
let folder: TemporaryFolder;
const at = (...names: string[]): string => join(folder.path, ...names);

beforeAll(async () => {
  folder = new TemporaryFolder().write({
    ...sftFiles,
    'silent.jsonl': jsonl([{ messages: [user] }]),
    'odd.jsonl': jsonl([{ messages: [user, answer] }, { messages: [user, { role: 'assistent', content: 'x' }] }]),
    'other.jsonl': jsonl([{ chat: [user, answer] }]),
    'plain.jinja':
      "{% for m in messages %}{{ '<|im_start|>' + m.role + m.content + '<|im_end|>' }}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant' }}{% endif %}",
  });
  await writeTinyCheckpoint(at('base'));
  await writeTinyCheckpoint(at('mute'), { text: { ...byteTextFiles, chatTemplate: undefined } });
});
afterAll(() => folder[Symbol.dispose]());

/** Overrides whose files are in the folder. */
const data = (...words: readonly string[]): string[] => [
  `data.trainFiles=${at('train.jsonl')}`,
  `data.valFiles=${at('val.jsonl')}`,
  ...words.map((word) => word.replaceAll('@', `${folder.path}/`)),
];

describe('a mistake ends with exit code 2 and one sentence and leaves nothing on disk:', () => {
  test.each([
    [['data.trainFiles=@nowhere.jsonl'], /nowhere\.jsonl/],
    [['data.trainFiles=@silent.jsonl'], /^error: data\.trainFiles holds no assistant turn to learn from\n$/],
    [['data.trainFiles=@odd.jsonl'], /odd\.jsonl row 2.*role is "assistent".*did you mean assistant\?/s],
    [['data.trainFiles=@other.jsonl'], /other\.jsonl row 1 has no column "messages"; it has chat\n$/],
    [['data.maxLength=20'], /\.jsonl row \d+ has \d+ tokens, more than maxLength 20; raise that, or choose truncation/],
    [['data.promptKey=a'], /data\.responseKey: goes together with promptKey; write both or none/],
    [
      ['model.customChatTemplate=@plain.jinja'],
      /train\.jsonl row \d+ calls a tool, but the model’s chat template writes no calls; name one that does, such as model\.customChatTemplate: chatml\n$/,
    ],
    [['model.customChatTemplate=@no.jinja'], /model\.customChatTemplate names \S+no\.jinja, which cannot be read/],
    [['model.path=@nowhere'], /there is no model \S+nowhere/],
    [['model.path=@mute'], /the model brings no chat template/],
    [['model.path=@base'], /model\.path names a pretrained model, which brings its own hiddenSize, .* leave those out/],
    [
      ['model.maxPositionEmbeddings=50'],
      /sequence of \d+ tokens, more than model\.maxPositionEmbeddings \(50\); raise/,
    ],
    [['optimizer.lrWarmupSteps=9'], /optimizer\.lrWarmupSteps is 9, more than the 4 steps of the run/],
    [['optimizer.lr=2'], /optimizer\.lr is 2, must be at most 1/],
    [['data.trainBatchSze=2'], /unknown key data\.trainBatchSze; did you mean data\.trainBatchSize\?/],
    [['--backend', 'wams'], /backend: unknown backend "wams"; did you mean "wasm"\?/],
  ])('%j', async (words, sentence) => {
    const before = readdirSync(folder.path);
    const isPretrained = words.some((word) => /model.path=@(nowhere|mute)/.test(word));
    const config = at(isPretrained ? 'pretrained.yaml' : 'fresh.yaml');
    const argv = ['sft', config, ...data(...words), '--run-dir', at('refused')];
    const { exitCode, stdout, stderr } = await runCli(argv);
    expect(stderr).toMatch(sentence);
    expect({ exitCode, stdout, files: readdirSync(folder.path) }).toEqual({ exitCode: 2, stdout: '', files: before });
  });

  test.each([
    ['data.train_batch_size=2', 'data.trainBatchSize'],
    ['data.micro_batch_size_per_gpu=4', 'data.maxTokenLenPerGpu'],
    ['data.max_token_len_per_gpu=4', 'data.maxTokenLenPerGpu'],
    ['data.use_dynamic_bsz=true', 'data.maxTokenLenPerGpu'],
    ['data.max_length=4', 'data.maxLength'],
    ['data.train_files=x', 'data.trainFiles'],
    ['data.val_files=x', 'data.valFiles'],
    ['data.messages_key=x', 'data.messagesKey'],
    ['data.multiturn.messages_key=x', 'data.messagesKey'],
    ['trainer.total_epochs=4', 'trainer.totalEpochs'],
    ['trainer.total_training_steps=4', 'trainer.totalTrainingSteps'],
    ['model.partial_pretrain=x', 'model.path'],
    ['model.lora_rank=4', 'model.loraRank'],
    ['model.lora_alpha=4', 'model.loraAlpha'],
    ['model.target_modules=all-linear', 'model.targetModules'],
    ['model.enable_gradient_checkpointing=true', 'model.enableGradientCheckpointing'],
    ['optim.lr=1e-5', 'optimizer.lr'],
    ['optim.lr_warmup_steps_ratio=0.1', 'optimizer.lrWarmupSteps'],
    ['optim.weight_decay=0.1', 'optimizer.weightDecay'],
    ['optim.clip_grad=1', 'optimizer.gradClip'],
    ['optim.lr_scheduler=cosine', 'optimizer.lrScheduler'],
    ['trainer.default_local_dir=x', 'the option --run-dir PATH'],
    ['trainer.project_name=x', 'trainer.projectName'],
  ])('verl’s %s is answered with %s', async (word, ours) => {
    const { stderr } = await runCli(['sft', at('fresh.yaml'), ...data(word), '--run-dir', at('refused')]);
    expect(stderr).toMatch(/^error: /);
    expect(stderr.trimEnd().endsWith(`write ${ours}`), stderr).toBe(true);
  });
});

describe('a run as it was resolved', () => {
  test('has the defaults of fine-tuning, key by key', async () => {
    const { config } = await resolveSft(at('fresh.yaml'), data('optimizer.weightDecay=0'), { env: {} }, never);
    expect(config.optimizer).toMatchObject({ lr: 0.01, lrScheduler: 'cosine', betas: [0.9, 0.95], weightDecay: 0 });
    expect(config.name).toBe('sft');
  });

  test('finds model and template beside the config, with absolute paths from there on', async () => {
    const { config, vocabSize } = await resolveSft(
      at('pretrained.yaml'),
      data(
        'model.customChatTemplate=plain.jinja',
        'data.trainFiles=@other.jsonl',
        'data.messagesKey=chat',
        'data.valFiles=null',
      ),
      { env: {} },
      never,
    );
    expect(config.model).toMatchObject({ path: at('base'), customChatTemplate: at('plain.jinja') });
    expect(vocabSize).toBe(263);
  });

  test('learns answers alone, says how much in its notes, and limits samples', async () => {
    const { data: read } = await resolveSft(at('fresh.yaml'), data('data.trainMaxSamples=5'), { env: {} }, never);
    expect(read.notes[0]).toMatch(/^Training data: 5 conversations, 5 sequences, \d+ tokens of which \d+ count/);
    expect(read.val).toHaveLength(3);
    const text = (tokens: readonly number[]) => String.fromCharCode(...tokens.filter((token) => token < 256));
    const learnt = read.val.map(({ tokens, mask }) => text(tokens.filter((_, t) => mask[t] === 1))).sort();
    expect(learnt).toEqual(['\n{"name": "add", "arguments": {"a": 1}}\n2', '1', '3']);
  });

  test('puts the tools of a row into its prompt', async () => {
    const { data: read } = await resolveSft(at('fresh.yaml'), data(), { env: {} }, never);
    const withTools = read.val.filter(({ tokens }) =>
      String.fromCharCode(...tokens).includes('"description": "Adds."'),
    );
    expect(withTools).toHaveLength(conversationRows(3).filter((_, i) => i % 2 === 1).length);
  });
});
