import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, test, vi } from 'vitest';
import { detectedBackend } from '../helpers/backend.js';
import { build, Workplace } from '../helpers/program.js';
import { readMetrics, smokeRun, toolDemonstrations } from '../helpers/smoke-run.js';

beforeAll(build, 180_000);

const policyServer = /policy-server\/main\.js/;
const sentence = /^failed: the policy server \(pid \d+\) was ended by SIGKILL \(engine_gone\)$/;

test('when the policy server is killed the run fails within seconds with one sentence, and --resume goes on', async () => {
  await using workplace = new Workplace();
  const program = workplace.start(
    smokeRun('--steps', '1000', '--quiet', 'trainer.saveFreq=1', `backend=${detectedBackend}`),
  );
  await program.until('"training/global_step":2,');
  const killedAt = performance.now();
  process.kill(await workplace.untilProcess(policyServer), 'SIGKILL');
  const { code, stderr } = await program.ended;
  expect(performance.now() - killedAt).toBeLessThan(10_000);
  expect(code).toBe(1);
  expect(stderr.trimEnd().split('\n').at(-1)).toMatch(sentence);
  await workplace.untilNothingIsLeft(0);

  const saved = lastCheckpoint(workplace);
  expect(saved).toBeGreaterThan(0);
  mkdirSync(join(workplace.path, 'run/checkpoints/tmp-99999999-7')); // as a killed program leaves it
  expect(await workplace.run(['train', '--resume', 'run', '--steps', `${saved + 1}`])).toMatchObject({ code: 0 });
  const steps = readMetrics(join(workplace.path, 'run')).flatMap(({ data }) => data['training/global_step'] ?? []);
  expect(steps).toEqual(Array.from({ length: saved + 1 }, (_, i) => i + 1));
  expect(readdirSync(join(workplace.path, 'run/checkpoints'))).not.toContain('tmp-99999999-7');
}, 120_000);

test('when the controller is killed, policy server, private Redis and sandboxes end by themselves, and --resume goes on', async () => {
  await using workplace = new Workplace();
  const changes = ['fabric.name=bullmq', 'trainer.saveFreq=1', `backend=${detectedBackend}`];
  const program = workplace.start(smokeRun('--steps', '1000', ...changes));
  await program.until('"training/global_step":2,');
  expect(workplace.processes().length).toBeGreaterThan(2);
  program.kill('SIGKILL');
  await program.ended;
  await workplace.untilNothingIsLeft(15_000);

  const saved = lastCheckpoint(workplace);
  const resumed = await workplace.run(['train', '--resume', 'run', '--steps', `${saved + 1}`]);
  expect(resumed, resumed.stderr).toMatchObject({ code: 0 });
  expect(readMetrics(join(workplace.path, 'run')).at(-1)?.step).toBe(saved + 1);
  await workplace.untilNothingIsLeft(0);
}, 120_000);

test('when the policy server is killed while demonstrations are played the run fails at once too', async () => {
  await using workplace = new Workplace();
  const program = workplace.start(smokeRun(...toolDemonstrations));
  await program.until('demonstrations: 2000');
  await workplace.untilSandbox();
  process.kill(await workplace.untilProcess(policyServer), 'SIGKILL');
  const { code, stderr } = await program.ended;
  expect({ code, last: stderr.split('\n').at(-2) }).toEqual({ code: 1, last: expect.stringMatching(sentence) });
  await workplace.untilNothingIsLeft(0);
}, 60_000);

test('when the controller is killed its sandboxes end with it', async () => {
  await using workplace = new Workplace();
  const program = workplace.start(smokeRun(...toolDemonstrations));
  await program.until('demonstrations: 2000');
  await workplace.untilSandbox();
  program.kill('SIGKILL');
  await program.ended;
  await vi.waitFor(() => expect(workplace.processes()).toEqual([]), { timeout: 15_000 });
}, 60_000);

/** The step of the newest checkpoint; a save that was killed may have left a temporary directory beside it. */
function lastCheckpoint(workplace: Workplace): number {
  const names = readdirSync(join(workplace.path, 'run/checkpoints'));
  const steps = names.flatMap((name) => /^global_step_(\d+)$/.exec(name)?.[1] ?? []).map(Number);
  return Math.max(...steps);
}
