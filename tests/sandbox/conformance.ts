import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ExecResult, Sandbox, SandboxProvider } from '../../core/types.js';
import { type SandboxConfig, sandboxConfig } from '../../sandbox/config.js';
import { openSandboxProvider } from '../../sandbox/open-sandbox-provider.js';
import { SandboxFileError } from '../../sandbox/sandbox-file-error.js';
import { countProcesses, eventually, limits, never, OwnTemporaryDirectory, uniqueMarker } from './machine.js';

/** What every sandbox provider promises; to be called inside a describe block. */
export function describeConformance(name: SandboxConfig['name']): void {
  let temporary: OwnTemporaryDirectory;
  let provider: SandboxProvider;

  beforeAll(async () => {
    temporary = new OwnTemporaryDirectory();
    ({ provider } = await openSandboxProvider(sandboxConfig.parse({ name }), never));
  });
  afterAll(async () => {
    await provider[Symbol.asyncDispose]();
    temporary[Symbol.dispose]();
  });

  const create = (): Promise<Sandbox> => provider.create(never);
  const shell = (sandbox: Sandbox, script: string): Promise<ExecResult> =>
    sandbox.exec(['sh', '-c', script], limits, never);

  test('the provider carries its name', () => {
    expect(provider.name).toBe(name);
  });

  test('exit code, stdout and stderr come back apart', async () => {
    await using sandbox = await create();
    const end = await shell(sandbox, 'echo out; echo err >&2; exit 3');
    expect(end).toMatchObject({ stdout: 'out\n', stderr: 'err\n', exitCode: 3, timedOut: false, truncated: false });
  });

  test('a program ended by a signal has no exit code', async () => {
    await using sandbox = await create();
    expect(await shell(sandbox, 'kill -SEGV $$')).toMatchObject({ exitCode: null, timedOut: false });
  });

  test('a program that does not exist ends with 127', async () => {
    await using sandbox = await create();
    expect((await sandbox.exec(['no-such-program'], limits, never)).exitCode).toBe(127);
  });

  test('arguments are passed as they are', async () => {
    await using sandbox = await create();
    const end = await sandbox.exec(['printf', '%s|', '$HOME', 'a b', "'", ''], limits, never);
    expect(end.stdout).toBe("$HOME|a b|'||");
  });

  test('stdin reaches the program and then ends', async () => {
    await using sandbox = await create();
    const end = await sandbox.exec(['cat'], { ...limits, stdin: 'grüße\n' }, never);
    expect(end.stdout).toBe('grüße\n');
  });

  test('without stdin a program reads the end of file', async () => {
    await using sandbox = await create();
    expect(await sandbox.exec(['cat'], limits, never)).toMatchObject({ stdout: '', exitCode: 0 });
  });

  test('a program that leaves a long stdin unread ends well', async () => {
    await using sandbox = await create();
    const end = await sandbox.exec(['true'], { ...limits, stdin: 'x'.repeat(5_000_000) }, never);
    expect(end.exitCode).toBe(0);
  });

  test('a timeout is a result without exit code, with what was printed before it', async () => {
    await using sandbox = await create();
    const options = { ...limits, timeoutMs: 300 };
    const end = await sandbox.exec(['sh', '-c', "trap '' TERM INT HUP; echo before; sleep 60"], options, never);
    expect(end).toMatchObject({ stdout: 'before\n', exitCode: null, timedOut: true });
    expect(end.durationMs).toBeLessThan(1_500);
  });

  test('a program that ended in time has not timed out because we were too busy to notice', async () => {
    await using sandbox = await create();
    const marker = uniqueMarker();
    const argv = ['sh', '-c', `sleep 0.1; echo done; : ${marker}`];
    const running = sandbox.exec(argv, { ...limits, timeoutMs: 400 }, never);
    expect(await eventually(() => countProcesses(marker) > 0)).toBe(true);
    await new Promise(setImmediate); // from here on timers come before news of other processes
    const busyUntil = performance.now() + 800;
    while (performance.now() < busyUntil);
    expect(await running).toMatchObject({ stdout: 'done\n', exitCode: 0, timedOut: false });
  });

  test('an endless printer is drained and cut at the cap', async () => {
    await using sandbox = await create();
    const end = await sandbox.exec(['yes'], { timeoutMs: 300, maxOutputBytes: 1_000 }, never);
    expect(end).toMatchObject({ stdout: 'y\n'.repeat(500), timedOut: true, truncated: true });
  });

  test('output of exactly the cap is not truncated', async () => {
    await using sandbox = await create();
    const end = await sandbox.exec(['printf', '12345'], { ...limits, maxOutputBytes: 5 }, never);
    expect(end).toMatchObject({ stdout: '12345', truncated: false });
  });

  test('the cap does not leave half a character', async () => {
    await using sandbox = await create();
    const end = await sandbox.exec(['printf', 'aéé'], { ...limits, maxOutputBytes: 4 }, never);
    expect(end).toMatchObject({ stdout: 'aé', truncated: true });
  });

  test('a file written is read back, by us and by programs', async () => {
    await using sandbox = await create();
    await sandbox.writeFile('a/b/data.txt', 'first', never);
    await sandbox.writeFile('a/b/data.txt', '2nd', never);
    expect(await sandbox.readFile('a/b/data.txt', never)).toBe('2nd');
    expect((await shell(sandbox, 'cat a/b/data.txt; echo more >> a/b/data.txt && echo x > a/new')).stdout).toBe('2nd');
    expect(await sandbox.readFile('./a/b/data.txt', never)).toBe('2ndmore\n');
  });

  test.each(['../x', 'a/../../x', '/etc/passwd', '', '.', '..', 'a\0b'])('the path %j is refused', async (path) => {
    await using sandbox = await create();
    const outside = expect.objectContaining({ name: 'SandboxFileError', code: 'outside' });
    await expect(sandbox.readFile(path, never)).rejects.toEqual(outside);
    await expect(sandbox.writeFile(path, 'x', never)).rejects.toEqual(outside);
  });

  test.each([
    ['a link to a file outside', 'ln -s /etc/hostname planted', 'planted'],
    ['a link to a directory outside', 'ln -s /etc planted', 'planted/hostname'],
    ['a dangling link', 'ln -s /tmp/verlet-dangling planted', 'planted'],
    ['a FIFO', 'mkfifo planted', 'planted'],
    ['a directory', 'mkdir planted', 'planted'],
    ['a second name of a file', 'echo x > first; ln first planted', 'planted'],
  ])('%s planted by a program is neither read nor written', async (_, plant, path) => {
    await using sandbox = await create();
    expect((await shell(sandbox, plant)).exitCode).toBe(0);
    await expect(sandbox.readFile(path, never)).rejects.toBeInstanceOf(SandboxFileError);
    await expect(sandbox.writeFile(path, 'x', never)).rejects.toBeInstanceOf(SandboxFileError);
  });

  test('a missing file is told from others', async () => {
    await using sandbox = await create();
    await expect(sandbox.readFile('missing.txt', never)).rejects.toMatchObject({ code: 'missing' });
  });

  test('a file larger than the limit is neither made by a program nor read', async () => {
    await using sandbox = await create();
    expect((await shell(sandbox, 'dd if=/dev/zero of=big bs=1M count=17')).exitCode).not.toBe(0);
    await sandbox.writeFile('big', 'x'.repeat(16 * 1024 * 1024 + 1), never);
    await expect(sandbox.readFile('big', never)).rejects.toMatchObject({ code: 'too_large' });
  });

  test('files persist between programs of one sandbox and never reach another', async () => {
    await using sandbox = await create();
    await using other = await create();
    await shell(sandbox, 'echo secret > kept');
    expect((await shell(sandbox, 'cat kept')).stdout).toBe('secret\n');
    expect((await shell(other, 'ls -A')).stdout).toBe('');
  });

  test('a working directory locked by a program can be used again', async () => {
    await using sandbox = await create();
    await shell(sandbox, 'echo x > kept; chmod 000 .');
    expect((await shell(sandbox, 'cat kept')).stdout).toBe('x\n');
  });

  test('the environment holds nothing of ours', async () => {
    process.env.VERLET_TEST_SECRET = 'secret';
    await using sandbox = await create();
    const names = (await shell(sandbox, 'env')).stdout.split('\n').map((line) => line.split('=')[0]);
    expect(names.filter((name) => name !== '').sort()).toEqual(['HOME', 'LANG', 'PATH', 'PWD', 'TMPDIR']);
    delete process.env.VERLET_TEST_SECRET;
  });

  test('background children are killed when the program ends', async () => {
    await using sandbox = await create();
    const marker = uniqueMarker();
    const end = await shell(sandbox, `sh -c 'sleep 60; : ${marker}' & echo started`);
    expect(end).toMatchObject({ stdout: 'started\n', exitCode: 0 });
    expect(await eventually(() => countProcesses(marker) === 0)).toBe(true);
  });

  test('a daemon in a session of its own does not outlive the sandbox', async () => {
    const marker = uniqueMarker();
    await using sandbox = await create();
    const end = await shell(sandbox, `setsid sh -c 'sleep 60; : ${marker}' & echo started`);
    expect(end.durationMs).toBeLessThan(1_500);
    await sandbox[Symbol.asyncDispose]();
    expect(await eventually(() => countProcesses(marker) === 0)).toBe(true);
  });

  test('an abort rejects with its reason within a second and leaves no process', async () => {
    await using sandbox = await create();
    const [controller, marker, reason] = [new AbortController(), uniqueMarker(), new Error('stop')];
    const running = sandbox.exec(['sh', '-c', `sleep 60; : ${marker}`], limits, controller.signal);
    const rejected = expect(running).rejects.toBe(reason);
    expect(await eventually(() => countProcesses(marker) > 0)).toBe(true);
    const abortedAt = performance.now();
    controller.abort(reason);
    await rejected;
    expect(performance.now() - abortedAt).toBeLessThan(1_000);
    expect(await eventually(() => countProcesses(marker) === 0)).toBe(true);
  });

  test('programs aborted while they start do not outlive the sandbox', async () => {
    const sandbox = await create();
    const controllers = Array.from({ length: 8 }, () => new AbortController());
    const running = controllers.map(({ signal }) => sandbox.exec(['sleep', '60'], limits, signal));
    const settled = Promise.allSettled(running);
    for (const [index, controller] of controllers.entries()) setTimeout(() => controller.abort('early'), 3 * index);
    expect((await settled).map(({ status }) => status)).toEqual(Array(8).fill('rejected'));
    const [name] = temporary.entries();
    await sandbox[Symbol.asyncDispose]();
    expect(name).toContain('verlet-sandbox-');
    expect(await eventually(() => countProcesses(name ?? '') === 0)).toBe(true);
  });

  test('an aborted signal starts nothing', async () => {
    await using sandbox = await create();
    const aborted = AbortSignal.abort('no');
    await expect(provider.create(aborted)).rejects.toBe('no');
    await expect(sandbox.exec(['true'], limits, aborted)).rejects.toBe('no');
    await expect(sandbox.readFile('x', aborted)).rejects.toBe('no');
    await expect(sandbox.writeFile('x', '', aborted)).rejects.toBe('no');
  });

  test('disposing kills what runs, removes the directory, and can be repeated', async () => {
    const sandbox = await create();
    const marker = uniqueMarker();
    const running = sandbox.exec(['sh', '-c', `sleep 60; : ${marker}`], limits, never);
    const rejected = expect(running).rejects.toMatchObject({ code: 'sandbox_disposed' });
    expect(await eventually(() => countProcesses(marker) > 0)).toBe(true);
    await Promise.all([sandbox[Symbol.asyncDispose](), sandbox[Symbol.asyncDispose]()]);
    await rejected;
    expect(countProcesses(marker)).toBe(0);
    expect(temporary.entries()).toEqual([]);
    await expect(sandbox.exec(['true'], limits, never)).rejects.toMatchObject({ code: 'sandbox_disposed' });
  });

  test('a deep and locked tree is removed with its sandbox', async () => {
    await using sandbox = await create();
    const code = 'import os\nfor _ in range(900):\n os.mkdir("deep"); os.chdir("deep")\nos.chmod(".", 0)';
    expect((await sandbox.exec(['python3', '-'], { ...limits, stdin: code }, never)).exitCode).toBe(0);
    await sandbox[Symbol.asyncDispose]();
    expect(temporary.entries()).toEqual([]);
  });

  test('disposing the provider disposes its sandboxes', async () => {
    const { provider: own } = await openSandboxProvider(sandboxConfig.parse({ name }), never);
    await own.create(never);
    await own[Symbol.asyncDispose]();
    expect(temporary.entries()).toEqual([]);
    await expect(own.create(never)).rejects.toMatchObject({ code: 'sandbox_disposed' });
  });

  test('no more programs run at once than configured, and waiting honours the signal', async () => {
    const config = sandboxConfig.parse({ name, concurrency: 1 });
    await using own = (await openSandboxProvider(config, never)).provider;
    await using sandbox = await own.create(never);
    const [first, waiting, marker] = [new AbortController(), new AbortController(), uniqueMarker()];
    const running = expect(sandbox.exec(['sleep', '60'], limits, first.signal)).rejects.toBe('first');
    const queued = expect(sandbox.exec(['sleep', marker], limits, waiting.signal)).rejects.toBe('waiting');
    const last = sandbox.exec(['echo', 'ran'], limits, never);
    waiting.abort('waiting');
    await queued;
    expect(countProcesses(marker)).toBe(0);
    first.abort('first');
    await running;
    expect((await last).stdout).toBe('ran\n');
  });
}
