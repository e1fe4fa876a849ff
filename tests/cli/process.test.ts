import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';

const run = promisify(execFile);
let build = '';
let root = '';

beforeAll(async () => {
  build = await mkdtemp(join(tmpdir(), 'verlet-build-'));
  await symlink(await realpath('node_modules'), join(build, 'node_modules'));
  await symlink(resolve('package.json'), join(build, 'package.json'));
  const config = { extends: resolve('tsconfig.json'), include: [], files: [resolve('cli/main.ts')] };
  await writeFile(join(build, 'tsconfig.json'), JSON.stringify(config));
  const options = ['--noCheck', '--declaration', 'false', '--rootDir', resolve('.'), '--outDir', join(build, 'dist')];
  await run(process.execPath, ['node_modules/typescript/bin/tsc', '-p', build, ...options]);
}, 120_000);
afterAll(() => rm(build, { recursive: true }));
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'verlet-process-'));
});
afterEach(() => rm(root, { recursive: true }));

describe('the built program', () => {
  test('answers --version', async () => {
    const { stdout } = await run(process.execPath, [join(build, 'dist/cli/main.js'), '--version']);
    expect(stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });

  test('ends with exit code 2 and one sentence where the config is missing, and leaves nothing', async () => {
    const child = start([join(build, 'dist/cli/main.js'), 'train', 'nowhere.yaml']);
    expect(await ended(child)).toEqual({ code: 2, stdout: '', stderr: 'error: no file nowhere.yaml\n' });
    expect(await readdir(root)).toEqual([]);
  });
});

describe('interruption', () => {
  test('the first SIGINT lets the run finish cleanly and ends with 130', async () => {
    const child = await startTraining(
      'await new Promise((resolve) => signal.addEventListener("abort", resolve)); throw signal.reason;',
    );
    child.kill('SIGINT');
    const { code, stderr } = await ended(child);
    expect(code).toBe(130);
    expect(stderr).toMatch(
      /SIGINT: finishing cleanly; once more to stop at once\ncontinue with: verlet train --resume run\n$/,
    );
  });

  test('SIGTERM does the same and ends with 143', async () => {
    const child = await startTraining(
      'await new Promise((resolve) => signal.addEventListener("abort", resolve)); throw signal.reason;',
    );
    child.kill('SIGTERM');
    expect(await ended(child)).toMatchObject({ code: 143 });
  });

  test('the second SIGINT ends a run that does not stop', async () => {
    const child = await startTraining('await new Promise(() => {});');
    child.stderr?.once('data', () => child.kill('SIGINT'));
    child.kill('SIGINT');
    expect(await ended(child)).toMatchObject({ code: 130 });
  });

  test('a reader of stdout that goes away ends the run with 141', async () => {
    const child = await startTraining(
      'for (let step = 1; !signal.aborted; step++) { await tracker.log(step, {}); await new Promise(setImmediate); } throw signal.reason;',
    );
    child.stdout?.destroy();
    expect(await ended(child)).toMatchObject({ code: 141 });
  });
});

function start(words: readonly string[]): ChildProcess {
  return spawn(process.execPath, words, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
}

/** A program whose training is this code, once it says that it is under way. */
async function startTraining(body: string): Promise<ChildProcess> {
  const url = (path: string): string => JSON.stringify(`file://${join(build, 'dist', path)}`);
  await writeFile(join(root, 'run.yaml'), 'env: { name: sum }\n');
  await writeFile(
    join(root, 'program.mjs'),
    `import { InterruptSignal } from ${url('cli/interrupt.js')};
    import { main } from ${url('cli/program.js')};
    import { builtins } from ${url('cli/builtins.js')};
    import { z } from ${JSON.stringify(`file://${resolve('node_modules/zod/index.js')}`)};
    const env = { kind: 'env', name: 'sum', options: z.strictObject({}), defaultTools: [], task() {}, create() {} };
    const runTraining = async ({ tracker }, signal) => { process.stdout.write('ready\\n'); ${body} };
    const interrupt = new InterruptSignal();
    const alive = setInterval(() => {}, 1000);
    const wiring = { builtins: { ...builtins, envs: [env] }, runTraining };
    process.exit(await main(['train', 'run.yaml', '--run-dir', 'run', '--json', '--quiet'], process, interrupt.signal, wiring));`,
  );
  const child = start([join(root, 'program.mjs')]);
  if (child.stdout !== null) await once(child.stdout, 'data');
  return child;
}

async function ended(child: ChildProcess): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const texts = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) child[name]?.on('data', (part) => (texts[name] += part));
  const [code] = await once(child, 'close');
  return { code, ...texts };
}
