import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ConfigError } from '../../core/errors.js';
import { type SandboxConfig, sandboxConfig } from '../../sandbox/config.js';
import { type OpenedSandboxProvider, openSandboxProvider } from '../../sandbox/open-sandbox-provider.js';
import { limits, never, OwnTemporaryDirectory, whyNoBubblewrap } from './machine.js';

const problem = await whyNoBubblewrap();
const open = (name: SandboxConfig['name']): Promise<OpenedSandboxProvider> =>
  openSandboxProvider(sandboxConfig.parse({ name }), never);

test.skipIf(problem !== undefined)('auto takes bubblewrap where it works, without a warning', async () => {
  const { provider, warning } = await open('auto');
  expect(provider.name).toBe('bubblewrap');
  expect(warning).toBe(undefined);
  await provider[Symbol.asyncDispose]();
});

test('a signal aborted before opening is rethrown, not taken for a missing isolation', async () => {
  await expect(openSandboxProvider(sandboxConfig.parse({}), AbortSignal.abort('stop'))).rejects.toBe('stop');
});

test('unknown keys and values out of bounds are refused', () => {
  expect(() => sandboxConfig.parse({ memory: 1 })).toThrow(/memory/);
  expect(() => sandboxConfig.parse({ maxProcesses: 0 })).toThrow(/maxProcesses/);
  expect(sandboxConfig.parse({})).toMatchObject({ name: 'auto', memoryMb: 256, maxProcesses: 64, maxFileMb: 16 });
});

describe('with programs of our own in PATH', () => {
  const path = process.env.PATH;
  let temporary: OwnTemporaryDirectory;
  let folder: string;

  beforeEach(() => {
    temporary = new OwnTemporaryDirectory();
    folder = join(temporary.path, 'bin');
    mkdirSync(folder);
    process.env.PATH = folder;
  });
  afterEach(() => {
    process.env.PATH = path;
    temporary[Symbol.dispose]();
  });
  const program = (name: string, script: string): void =>
    writeFileSync(join(folder, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });

  test('auto without bwrap takes plain processes and says loudly in one line that code is not isolated', async () => {
    const { provider, warning } = await open('auto');
    await using sandbox = await provider.create(never);
    expect(provider.name).toBe('process');
    expect(warning).toMatch(/^CODE IS NOT ISOLATED: .*no program bwrap in PATH.*not limited.*prlimit[^\n]*$/);
    expect((await sandbox.exec(['echo', 'ran'], limits, never)).stdout).toBe('ran\n');
    expect((await sandbox.exec(['no-such-program'], limits, never)).exitCode).toBe(127);
    await provider[Symbol.asyncDispose]();
  });

  test('auto takes plain processes when bwrap is refused its namespaces, and leaves nothing of the trial', async () => {
    program('bwrap', 'echo "bwrap: No permissions to create new namespace" >&2; exit 1');
    symlinkSync('/usr/bin/prlimit', join(folder, 'prlimit'));
    const { provider, warning } = await open('auto');
    expect(provider.name).toBe('process');
    expect(warning).toContain('No permissions to create new namespace');
    expect(temporary.entries()).toEqual(['bin']);
    await provider[Symbol.asyncDispose]();
  });

  test('bubblewrap asked for by name and not working is a ConfigError with a remedy', async () => {
    program('bwrap', 'echo "bwrap: No permissions" >&2; exit 1');
    symlinkSync('/usr/bin/prlimit', join(folder, 'prlimit'));
    const opening = open('bubblewrap');
    await expect(opening).rejects.toBeInstanceOf(ConfigError);
    await expect(opening).rejects.toThrow(/No permissions.*Install it.*sandbox\.name: process/);
  });

  test('plain processes with a prlimit that does not work run without limits, and the warning says so', async () => {
    program('prlimit', 'echo "prlimit: refused" >&2; exit 1');
    const { provider, warning } = await open('process');
    expect(warning).toMatch(/not limited: prlimit: refused/);
    await provider[Symbol.asyncDispose]();
  });
});
