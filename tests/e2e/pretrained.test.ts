import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openModel } from '../../core/model/open-model.js';
import { detectedBackend } from '../helpers/backend.js';
import { build, Workplace } from '../helpers/program.js';
import { readMetrics, withoutTimes } from '../helpers/smoke-run.js';
import { writeTinyCheckpoint } from '../helpers/tiny-checkpoint.js';
import { never } from '../helpers/tiny-policy.js';

const config = `
env: { name: arithmetic, smallest: 1, largest: 9, operators: ["-"] }
model: { path: base }
warmStart: { steps: 2, demonstrations: 8, batchSize: 4 }
rollout: { n: 3, maxTurns: 2, maxTurnTokens: 8, maxContext: 900 }
data: { trainBatchSize: 2, evalSize: 2 }
optimizer: { lr: 0.01 }
algorithm: { entropyCoeff: 0.01 }
trainer: { totalTrainingSteps: 2, saveFreq: 1 }
fabric: { name: in-process }
backend: ${detectedBackend}
`;

let workplace: Workplace;
const at = (...names: string[]): string => join(workplace.path, ...names);

beforeAll(async () => {
  build();
  workplace = new Workplace().write({ 'run.yaml': config });
  await writeTinyCheckpoint(at('base'));
}, 180_000);
afterAll(() => workplace[Symbol.asyncDispose]());

async function expectTrained(...words: readonly string[]): Promise<void> {
  const ended = await workplace.run(['train', ...words]);
  expect(ended, ended.stderr).toMatchObject({ code: 0 });
}

test('a pretrained model is trained, its checkpoint is trained on, and sampling and training agree', async () => {
  await expectTrained('run.yaml', '--run-dir', 'first');
  const checkpoint = 'first/checkpoints/global_step_2';
  await expectTrained('run.yaml', `model.path=${checkpoint}`, 'warmStart.steps=0', '--run-dir', 'second');
  for (const run of ['first', 'second']) {
    const steps = readMetrics(at(run)).filter(({ data }) => 'actor/pg_loss' in data);
    expect(steps.map(({ step }) => step)).toEqual([1, 2]);
    for (const { data } of steps) expect(data['training/rollout_logprobs_diff_max']).toBeLessThan(1e-4);
  }
  expect(readFileSync(at('second/report.html'), 'utf8')).toContain('&lt;|im_start|&gt;');
  await workplace.untilNothingIsLeft(0);
}, 120_000);

test('adapters are trained and taken up as if the run had not stopped; the checkpoint is an adapter directory', async () => {
  const adapted = ['run.yaml', 'model.loraRank=4'];
  await expectTrained(...adapted, '--run-dir', 'whole');
  await expectTrained(...adapted, '--run-dir', 'halves', '--steps', '1');
  await expectTrained('--resume', 'halves', '--steps', '2');
  const [whole, halves] = ['whole', 'halves'].map((run) =>
    withoutTimes(readMetrics(at(run))).filter(({ data }) => 'actor/pg_loss' in data),
  );
  expect(halves).toEqual(whole);
  const checkpoint = at('halves/checkpoints/global_step_2');
  expect(readdirSync(checkpoint)).toEqual(expect.arrayContaining(['adapter_config.json', 'adapter_model.safetensors']));
  expect(existsSync(join(checkpoint, 'config.json'))).toBe(false);
  await using files = await openModel(checkpoint, { env: {} }, never);
  expect(files.config).toMatchObject({ model_type: 'llama', vocab_size: 272 });
}, 120_000);
