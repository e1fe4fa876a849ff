// What the trackers write, read by the packages that it is for: TensorBoard, an MLflow server, W&B and SwanLab. They are installed from PyPI
// into a folder that is gone afterwards, unless VERLET_TRACKERS_PYTHON names a Python that has them. Some minutes.
// Usage: npm run test:trackers [-- vitest's arguments]

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runCommand, runMain, say } from './command.mjs';
import { setUp } from './setup.mjs';
import { runVitest } from './vitest.mjs';

const PACKAGES = ['tensorboard', 'mlflow', 'wandb', 'swanlab'];
const TESTS = 'tests/trackers-live';

await runMain(setUp);
await runMain(main);

async function main() {
  const given = process.env.VERLET_TRACKERS_PYTHON;
  if (given) return test(given);
  const folder = mkdtempSync(join(tmpdir(), 'verlet-trackers-'));
  try {
    say(`installing ${PACKAGES.join(', ')} into ${folder}`);
    await runCommand('python3', ['-m', 'venv', folder], { cwd: folder });
    const python = join(folder, 'bin/python');
    await runCommand(python, ['-m', 'pip', 'install', '--quiet', ...PACKAGES], { cwd: folder });
    await test(python);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A run in which nothing passed has failed: without that Python every test is skipped. */
async function test(python) {
  const env = { ...process.env, VERLET_TRACKERS_PYTHON: python };
  const { code, passed, failed } = await runVitest([TESTS, ...process.argv.slice(2)], env);
  process.stdout.write(`${passed} passed, ${failed} failed\n`);
  process.exitCode = code === 0 && passed > 0 ? 0 : 1;
}
