import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { runCli } from '../helpers/cli.js';

let root = '';
let runDir = '';
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'verlet-program-'));
  runDir = join(root, 'run');
  await writeFile(join(root, 'run.yaml'), 'env: { name: sum }\n');
  await runCli(['train', join(root, 'run.yaml'), '--run-dir', runDir]);
});
afterEach(() => rm(root, { recursive: true }));

describe('help and version', () => {
  test.each([
    ['--help'],
    ...['train', 'eval', 'report', 'chat', 'model'].map((command) => [command, '--help']),
    ...['info', 'convert', 'export'].map((command) => ['model', command, '--help']),
  ])('%j shows examples', async (...words) => {
    const { exitCode, stdout } = await runCli(words.filter((word) => word !== undefined));
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/Examples:\n {2}\$ verlet /);
  });

  test('--version is the package’s', async () => {
    const { version } = JSON.parse(await readFile('package.json', 'utf8'));
    expect(await runCli(['--version'])).toEqual({ exitCode: 0, stdout: `${version}\n`, stderr: '' });
  });

  test('an unknown command is answered with the nearest and exit code 2', async () => {
    const { exitCode, stderr } = await runCli(['trian']);
    expect({ exitCode, stderr }).toEqual({
      exitCode: 2,
      stderr: "error: unknown command 'trian'\n(Did you mean train?)\n",
    });
  });

  test('no command at all shows the help', async () => {
    const { exitCode, stderr } = await runCli([]);
    expect(exitCode).toBe(2);
    expect(stderr).toContain('Usage: verlet');
  });
});

describe('eval', () => {
  test('prints a table, or JSON alone', async () => {
    expect((await runCli(['eval', runDir])).stdout).toBe('val-core/sum/reward/mean@1  0.75\n');
    const { stdout } = await runCli(['eval', runDir, '--json']);
    expect(JSON.parse(stdout)).toEqual({ 'val-core/sum/reward/mean@1': 0.75 });
  });

  test('checks overrides like train does', async () => {
    const { exitCode, stderr } = await runCli(['eval', runDir, 'data.eval_size=3']);
    expect(exitCode).toBe(2);
    expect(stderr).toContain('unknown key data.eval_size; write data.evalSize');
  });

  test('of no run directory is a mistake', async () => {
    expect(await runCli(['eval', root])).toMatchObject({ exitCode: 2 });
  });
});

describe('report', () => {
  test('writes page and picture into the run directory and prints their paths', async () => {
    const { exitCode, stdout } = await runCli(['report', runDir]);
    expect(exitCode).toBe(0);
    expect(stdout).toBe(`${join(runDir, 'report.html')}\n${join(runDir, 'curves.svg')}\n`);
    expect(await readFile(join(runDir, 'curves.svg'), 'utf8')).toMatch(/^<svg /);
  });

  test('--out writes elsewhere', async () => {
    const out = join(root, 'deep', 'out');
    await runCli(['report', runDir, '--out', out]);
    expect(await readFile(join(out, 'report.html'), 'utf8')).toContain('<!DOCTYPE html>');
  });
});
