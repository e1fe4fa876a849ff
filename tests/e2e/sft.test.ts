import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { resolveSft } from '../../cli/resolve-sft.js';
import { loadPolicy } from '../../core/model/load-policy.js';
import { openModel } from '../../core/model/open-model.js';
import { heldOutLoss } from '../../core/sft/held-out-loss.js';
import { useBackend } from '../../core/tensor/backend.js';
import { PolicyTrainer } from '../../core/trainer.js';
import { detectedBackend } from '../helpers/backend.js';
import { build, type Ended, Workplace } from '../helpers/program.js';
import { jsonl, parquetPath, parquetRows, sftFiles } from '../helpers/sft-files.js';
import { jsonLines, readMetrics, withoutTimes } from '../helpers/smoke-run.js';
import { writeTinyCheckpoint } from '../helpers/tiny-checkpoint.js';
import { never } from '../helpers/tiny-policy.js';

const adapted = ['model.loraRank=2', 'optimizer.lr=0.1'];
let workplace: Workplace;
const runs = new Map<string, Ended>();
const at = (...names: string[]): string => join(workplace.path, ...names);
const metricsOf = (run: string) => withoutTimes(readMetrics(at(run)));

beforeAll(async () => {
  build();
  workplace = new Workplace().write(sftFiles);
  await writeTinyCheckpoint(at('base'));
  await useBackend(detectedBackend);
  await sft('fresh', 'fresh.yaml');
  await sft('full', 'pretrained.yaml');
  await sft('lora', 'pretrained.yaml', ...adapted);
}, 300_000);
afterAll(() => workplace[Symbol.asyncDispose]());

/** Trains into the directory of that name. */
async function sft(run: string, ...words: readonly string[]): Promise<Ended> {
  const ended = await workplace.run(['sft', ...words, `backend=${detectedBackend}`, '--run-dir', run, '--json']);
  runs.set(run, ended);
  return ended;
}

describe.each(['fresh', 'full', 'lora'])('a run, %s,', (run) => {
  test('ends well, leaves nothing behind and lowers the held-out loss', async () => {
    expect(runs.get(run), runs.get(run)?.stderr).toMatchObject({ code: 0 });
    await workplace.untilNothingIsLeft(0);
    const losses = readMetrics(at(run)).flatMap(({ data }) => data['val/loss'] ?? []);
    expect(losses).toHaveLength(3);
    expect(losses.at(-1)).toBeLessThan(losses[0] ?? 0);
  });

  test('keeps config, metrics, checkpoints and report', () => {
    const names = ['checkpoints', 'config.yaml', 'curves.svg', 'metrics.jsonl', 'report.html'];
    expect(readdirSync(at(run)).sort()).toEqual(names);
    expect(readdirSync(at(run, 'checkpoints'))).toEqual(['global_step_4']);
    expect(jsonLines(at(run, 'checkpoints/global_step_4/state.json'))).toEqual([{ step: 4, seed: 1 }]);
    expect(readFileSync(at(run, 'report.html'), 'utf8')).toContain('Held-out loss');
  });

  test('has verl’s metrics, in the file and with --json on stdout', () => {
    const records = readMetrics(at(run));
    expect(records.map(({ step }) => step)).toEqual([0, 1, 2, 2, 3, 4, 4]);
    const named = ['train/loss', 'train/lr', 'train/grad_norm', 'train/global_tokens', 'timing_s/update'];
    expect(Object.keys(records[1]?.data ?? {})).toEqual(expect.arrayContaining(named));
    const lines = (runs.get(run)?.stdout ?? '').trimEnd().split('\n');
    const [summary, ...streamed] = lines.map((line) => JSON.parse(line)).reverse();
    expect(streamed.reverse()).toEqual(jsonLines(at(run, 'metrics.jsonl')));
    const [initialLoss, finalLoss] = [records[0]?.data['val/loss'], records.at(-1)?.data['val/loss']];
    expect(summary).toEqual({ initialLoss, finalLoss, steps: 4, seconds: expect.any(Number) });
  });

  test('that was interrupted and taken up equals one that was not', async () => {
    const [config = '', ...changes] =
      run === 'fresh' ? ['fresh.yaml'] : ['pretrained.yaml', ...adapted.slice(0, run === 'lora' ? 2 : 0)];
    const words = ['sft', config, ...changes, `backend=${detectedBackend}`, '--json', '--run-dir', `${run}-stopped`];
    const program = workplace.start(words);
    await program.until('"step":1,');
    program.kill('SIGINT');
    const { code, stderr } = await program.ended;
    expect({ code, stderr }).toMatchObject({ code: 130, stderr: expect.stringContaining('verlet sft --resume') });
    await workplace.untilNothingIsLeft(0);
    const resumed = await workplace.run(['sft', '--resume', `${run}-stopped`]);
    expect(resumed, resumed.stderr).toMatchObject({ code: 0 });
    expect(metricsOf(`${run}-stopped`)).toEqual(metricsOf(run));
    const weights = run === 'lora' ? 'adapter_model.safetensors' : 'model.safetensors';
    const [expected, measured] = [run, `${run}-stopped`].map((name) =>
      readFileSync(at(name, 'checkpoints/global_step_4', weights)),
    );
    expect(measured?.equals(expected ?? Buffer.of())).toBe(true);
  });

  test('leaves a checkpoint that is a model again, with the loss that the run told last', async () => {
    await using files = await openModel(at(run, 'checkpoints/global_step_4'), { env: {} }, never);
    expect(files.text?.chatTemplate).toContain('<|im_start|>');
    using policy = await loadPolicy(files, {}, never);
    using trainer = new PolicyTrainer(policy);
    const { val } = await dataOf('pretrained.yaml');
    const loss = await heldOutLoss(trainer, val, { ppoMaxTokenLenPerGpu: 8192 }, never);
    expect(loss).toBeCloseTo(readMetrics(at(run)).at(-1)?.data['val/loss'] ?? 0, 4);
  });
});

/** The held-out sequences of the workplace, read in this process. */
async function dataOf(config: string) {
  const files = [`data.trainFiles=${at('train.jsonl')}`, `data.valFiles=${at('val.jsonl')}`];
  return (await resolveSft(at(config), files, { env: {} }, never)).data;
}

test('a run begins with the pretrained model’s own loss, with adapters and without', () => {
  const first = ['full', 'lora'].map((run) => readMetrics(at(run))[0]?.data['val/loss']);
  expect(first[1]).toBeCloseTo(first[0] ?? 0, 5);
});

test('Parquet and JSONL of the same rows give the same run', async () => {
  workplace.write({ 'same.jsonl': jsonl(parquetRows) });
  const small = ['trainer.totalTrainingSteps=2', 'data.valFiles=null'];
  await sft('parquet', 'fresh.yaml', `data.trainFiles=${parquetPath}`, ...small);
  const { code, stdout } = await sft('jsonl', 'fresh.yaml', 'data.trainFiles=same.jsonl', ...small);
  expect(code).toBe(0);
  expect(metricsOf('jsonl')).toEqual(metricsOf('parquet'));
  expect(JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '')).toMatchObject({ initialLoss: null, finalLoss: null });
});

describe('a mistake that only the policy server can see ends with exit code 2 and leaves nothing:', () => {
  test.each([
    [
      'a tokenizer larger than the model',
      { vocab_size: 200 },
      /^error: the tokenizer has 263 tokens, .* only 200: name/,
    ],
    [
      'sequences longer than the model’s context',
      { max_position_embeddings: 64 },
      /^error: a context of \d+ tokens is more than the 64 of /,
    ],
  ])('%s', async (_name, config, sentence) => {
    await writeTinyCheckpoint(at('odd'), { config });
    const { code, stderr } = await sft('refused', 'pretrained.yaml', 'model.path=odd', '--quiet');
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringMatching(sentence) });
    expect(readdirSync(at())).not.toContain('refused');
  });
});
