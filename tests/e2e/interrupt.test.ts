import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { detectedBackend } from '../helpers/backend.js';
import { build, Workplace } from '../helpers/program.js';
import { readMetrics, smokeRun, toolDemonstrations, withoutTimes } from '../helpers/smoke-run.js';

beforeAll(build, 180_000);

const steps = 6;
const endless = 'trainer.totalTrainingSteps=1000';
const whole = [
  'chat_template.jinja',
  'config.json',
  'generation_config.json',
  'model.safetensors',
  'optimizer.safetensors',
  'state.json',
  'tokenizer.json',
  'tokenizer_config.json',
  'trainer.json',
];

test('SIGINT in mid-run saves a checkpoint, ends with 130 and leaves nothing; the resumed run equals an undisturbed one', async () => {
  await using workplace = new Workplace();
  await workplace.run(smokeRun('--run-dir', 'undisturbed', '--steps', `${steps}`));
  const program = workplace.start(smokeRun(endless));
  await program.until('"training/global_step":2,');
  program.kill('SIGINT');
  const { code, stderr } = await program.ended;
  expect(code).toBe(130);
  expect(stderr).toMatch(/SIGINT: finishing cleanly; once more to stop at once\n.*verlet train --resume run\n$/s);
  await workplace.untilNothingIsLeft(0);
  const saved = readMetrics(join(workplace.path, 'run')).at(-1)?.step;
  expect(readdirSync(join(workplace.path, 'run/checkpoints', `global_step_${saved}`)).sort()).toEqual(whole);

  const resumed = await workplace.run(['train', '--resume', 'run', '--steps', `${steps}`, '--json']);
  expect(resumed, resumed.stderr).toMatchObject({ code: 0 });
  const [expected, measured] = ['undisturbed', 'run'].map((run) =>
    withoutTimes(readMetrics(join(workplace.path, run))).filter(({ step }) => step <= steps),
  );
  expect(measured).toEqual(expected);
}, 120_000);

test('SIGINT while the teacher’s programs run in sandboxes ends with 130, no checkpoint, no sandbox and no Redis; --resume starts over', async () => {
  await using workplace = new Workplace();
  const program = workplace.start(smokeRun(...toolDemonstrations, 'fabric.name=bullmq'));
  await program.until('demonstrations: 2000');
  await workplace.untilProcess(/^\S*redis-server /);
  await workplace.untilSandbox();
  program.kill('SIGINT');
  expect(await program.ended).toMatchObject({ code: 130 });
  await workplace.untilNothingIsLeft(0);
  expect(existsSync(join(workplace.path, 'run/checkpoints'))).toBe(false);

  const less = ['env.teacher.toolRate=0', 'warmStart.demonstrations=8', 'warmStart.steps=2', '--steps', '1'];
  const resumed = await workplace.run(['train', '--resume', 'run', ...less]);
  expect(resumed, resumed.stderr).toMatchObject({ code: 0 });
  expect(readdirSync(join(workplace.path, 'run/checkpoints')).sort()).toEqual(['global_step_0', 'global_step_1']);
  await workplace.untilNothingIsLeft(0);
}, 120_000);

test('a second SIGINT ends at once; policy server and Redis follow by themselves', async () => {
  await using workplace = new Workplace();
  const program = workplace.start(
    smokeRun('fabric.name=bullmq', 'warmStart.steps=100000', `backend=${detectedBackend}`),
  );
  await program.until('step 1/100000');
  program.kill('SIGINT');
  await program.until('SIGINT: finishing cleanly');
  program.kill('SIGINT');
  expect(await program.ended).toMatchObject({ code: 130 });
  await workplace.untilNothingIsLeft(15_000);
  expect(existsSync(join(workplace.path, 'run/checkpoints'))).toBe(false);
}, 120_000);
