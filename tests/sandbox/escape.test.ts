import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, openSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ExecResult, Sandbox, SandboxProvider } from '../../core/types.js';
import { type SandboxConfig, sandboxConfig } from '../../sandbox/config.js';
import { openSandboxProvider } from '../../sandbox/open-sandbox-provider.js';
import {
  countProcesses,
  eventually,
  limits,
  never,
  OwnTemporaryDirectory,
  uniqueMarker,
  whyNoBubblewrap,
} from './machine.js';

const problem = await whyNoBubblewrap();

describe.skipIf(problem !== undefined)(`attacks on bubblewrap${problem ? ` (skipped: ${problem})` : ''}`, () => {
  let temporary: OwnTemporaryDirectory;
  let provider: SandboxProvider;
  let sandbox: Sandbox;

  beforeAll(async () => {
    temporary = new OwnTemporaryDirectory();
    provider = await open('bubblewrap');
    sandbox = await provider.create(never);
  });
  afterAll(async () => {
    await provider[Symbol.asyncDispose]();
    temporary[Symbol.dispose]();
  });

  const open = async (name: SandboxConfig['name']): Promise<SandboxProvider> =>
    (await openSandboxProvider(sandboxConfig.parse({ name }), never)).provider;
  const shell = (script: string): Promise<ExecResult> => sandbox.exec(['sh', '-c', script], limits, never);
  const python = (stdin: string): Promise<ExecResult> =>
    sandbox.exec(['python3', '-I', '-S', '-'], { ...limits, stdin }, never);
  /** The same attack without isolation: shows that it is one. */
  const unconfined = async (...argv: string[]): Promise<ExecResult> => {
    await using other = await open('process');
    await using place = await other.create(never);
    return await place.exec(argv, limits, never);
  };

  test('a host file cannot be read', async () => {
    const path = join(temporary.path, 'host.txt');
    writeFileSync(path, 'host', { mode: 0o644 });
    expect((await unconfined('cat', path)).stdout).toBe('host');
    expect(await shell(`cat ${path}`)).toMatchObject({ stdout: '', exitCode: 1 });
  });

  test('no file of the host beside /usr and the loader can be found', async () => {
    const end = await shell('ls -A /; ls -A /etc /home /root /var /sys /run 2>/dev/null');
    const allowed = 'bin dev etc lib lib32 lib64 libx32 proc sbin tmp usr work /etc: alternatives ld.so.cache ssl';
    expect(end.stdout.split(/\s+/).filter((name) => !allowed.split(' ').includes(name) && name !== '')).toEqual([]);
  });

  test.each(['/planted', '/usr/planted', '/etc/planted', '/dev/planted', '/proc/planted', '/tmp/../planted'])(
    'nothing can be written at %s',
    async (path) => {
      expect((await shell(`echo x > ${path}`)).exitCode).not.toBe(0);
      expect(existsSync(path)).toBe(false);
    },
  );

  test('what is written to /tmp reaches neither the host nor the next program', async () => {
    expect((await shell('echo x > /tmp/verlet-planted && ls /tmp')).stdout).toBe('verlet-planted\n');
    expect(existsSync('/tmp/verlet-planted')).toBe(false);
    expect((await shell('ls -A /tmp /dev/shm')).stdout).toBe('/dev/shm:\n\n/tmp:\n');
  });

  test('a listener on the loopback of the host cannot be reached', async () => {
    await using server = createServer((socket) => socket.destroy());
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const port = address !== null && typeof address === 'object' ? address.port : 0;
    const code = `import socket; socket.create_connection(("127.0.0.1", ${port}), 2); print("connected")`;
    expect((await unconfined('python3', '-c', code)).stdout).toBe('connected\n');
    expect(await python(code)).toMatchObject({ stdout: '', stderr: expect.stringContaining('refused') });
  });

  test('there is no network interface but the loopback', async () => {
    const end = await python('import socket\nprint([name for _, name in socket.if_nameindex()])');
    expect(end.stdout).toBe("['lo']\n");
  });

  test('sockets of the virtual machine host, raw packets and the kernel cannot be made', async () => {
    const code = `import socket
for family, kind, protocol in [(40, 1, 0), (17, 3, 3), (16, 3, 9), (38, 5, 0)]:
    try: print(socket.socket(family, kind, protocol))
    except OSError as error: print(error.errno)`;
    expect((await python(code)).stdout).toBe('97\n97\n97\n97\n');
  });

  test('an abstract socket of the host cannot be reached', async () => {
    const name = uniqueMarker();
    const listen = `import socket, time
listener = socket.socket(socket.AF_UNIX); listener.bind("\\0${name}"); listener.listen()
print("ready", flush=True); time.sleep(20)`;
    const server = spawn('python3', ['-c', listen]);
    await once(server.stdout, 'data');
    const code = `import socket; socket.socket(socket.AF_UNIX).connect("\\0${name}"); print("connected")`;
    expect((await unconfined('python3', '-c', code)).stdout).toBe('connected\n');
    expect(await python(code)).toMatchObject({ stdout: '', stderr: expect.stringContaining('refused') });
    server.kill('SIGKILL');
  });

  test('processes of the host cannot be seen', async () => {
    const end = await python('import os\nprint(sorted(int(pid) for pid in os.listdir("/proc") if pid.isdigit()))');
    expect(JSON.parse(end.stdout).length).toBeLessThanOrEqual(2);
    expect((await shell(`kill -0 ${process.pid}`)).exitCode).not.toBe(0);
  });

  test('the starter of the program shows nothing of our environment', async () => {
    expect(await shell('tr "\\0" "\\n" < /proc/1/environ')).toMatchObject({ stdout: '', exitCode: 0 });
  });

  test('a fork bomb stops at the limit of processes', async () => {
    const code = `import os, time
count = 0
try:
    while True:
        if os.fork() == 0: time.sleep(60)
        count += 1
except BlockingIOError: print(count)`;
    expect(Number((await python(code)).stdout)).toBeGreaterThan(10);
    expect(Number((await python(code)).stdout)).toBeLessThanOrEqual(64);
  });

  test('a fork bomb that ignores signals is gone after its time', async () => {
    const marker = uniqueMarker();
    const code = `import os, signal
for number in (1, 2, 15): signal.signal(number, signal.SIG_IGN)
while True:
    try: os.fork()
    except BlockingIOError: pass`;
    const end = await sandbox.exec(['python3', '-c', code, marker], { ...limits, timeoutMs: 500 }, never);
    expect(end).toMatchObject({ timedOut: true, exitCode: null });
    expect(end.durationMs).toBeLessThan(2_000);
    expect(await eventually(() => countProcesses(marker) === 0)).toBe(true);
  });

  test('a memory bomb ends at the limit of memory', async () => {
    const code = 'held = []\nwhile True:\n    held.append(bytearray(16 << 20)); print(len(held), flush=True)';
    const end = await python(code);
    expect(end.stderr).toContain('MemoryError');
    expect(end.stdout.trim().split('\n').length).toBeLessThan(16);
  });

  test('temporary files end at the size of their file system', async () => {
    const end = await shell(
      'for i in 1 2 3 4 5 6 7 8; do dd if=/dev/zero of=/tmp/$i bs=1M count=15 2>&1; done | tail -n 9',
    );
    expect(end.stdout).toContain('No space left on device');
  });

  test('core dumps are not written', async () => {
    expect((await shell('ulimit -c; ulimit -Hc')).stdout).toBe('0\n0\n');
  });

  test.each([
    'unshare -U true',
    'unshare -m true',
    'unshare -n true',
    'mount -t tmpfs none /tmp',
    '/usr/sbin/chroot / true',
  ])('%s is refused', async (script) => {
    expect(await shell(script)).toMatchObject({ exitCode: expect.toSatisfy((code) => code !== 0 && code !== 127) });
  });

  const EPERM = 1;
  const ENOSYS = 38;
  test.each([
    ['unshare of a user namespace', 272, [0x10000000], EPERM],
    ['clone into a user namespace', 56, [0x10000011, 0, 0, 0, 0], EPERM],
    ['clone3', 435, [0, 0], ENOSYS],
    ['setns', 308, [0, 0], EPERM],
    ['ptrace', 101, [0, 0, 0, 0], EPERM],
    ['process_vm_readv', 310, [1, 0, 0, 0, 0, 0], EPERM],
    ['bpf', 321, [0, 0, 0], EPERM],
    ['io_uring_setup', 425, [1, 0], ENOSYS],
    ['userfaultfd', 323, [0], EPERM],
    ['keyctl', 250, [0, 0], EPERM],
    ['perf_event_open', 298, [0, 0, 0, 0, 0], EPERM],
    ['ioctl TIOCSTI', 16, [0, 0x5412, 0], EPERM],
    ['personality', 135, [0x0040000], EPERM],
    ['a call of the x32 table', 0x40000000 + 39, [], ENOSYS],
  ])('%s is refused by the filter', async (_, number, args, errno) => {
    const code = `import ctypes
libc = ctypes.CDLL(None, use_errno=True)
result = libc.syscall(${[number, ...args].map((value) => `ctypes.c_long(${value})`).join(', ')})
print(result, ctypes.get_errno())`;
    expect((await python(code)).stdout).toBe(`-1 ${errno}\n`);
  });

  test.each(['/proc/sys/kernel/core_pattern', '/proc/sys/vm/drop_caches', '/proc/sysrq-trigger'])(
    'the kernel setting %s cannot be opened for writing',
    async (path) => {
      expect((await shell(`: >> ${path}`)).exitCode).not.toBe(0);
    },
  );

  test('no capability is left, and none can be gained', async () => {
    const end = await shell(
      'grep -E "^(CapEff|CapPrm|CapBnd|NoNewPrivs|Seccomp):" /proc/self/status | tr -d "[:space:]"',
    );
    const none = '0'.repeat(16);
    expect(end.stdout).toBe(`CapPrm:${none}CapEff:${none}CapBnd:${none}NoNewPrivs:1Seccomp:2`);
  });

  test('a link planted over a directory on the way is not followed', async () => {
    await sandbox.writeFile('way/file', 'inside', never);
    await shell('mv way kept; ln -s /etc way');
    await expect(sandbox.readFile('way/hostname', never)).rejects.toMatchObject({ code: 'not_a_file' });
    await expect(sandbox.writeFile('way/planted', 'x', never)).rejects.toMatchObject({ code: 'not_a_file' });
    expect(existsSync('/etc/planted')).toBe(false);
  });

  test('a descriptor that the server was started with does not reach a program', async () => {
    const path = join(temporary.path, 'descriptor.txt');
    writeFileSync(path, 'leaked');
    const descriptor = openSync(path, 'r');
    const script =
      'readlink /proc/self/fd/200; for fd in /proc/self/fd/*; do readlink $fd; done; cat /proc/self/fd/200';
    const server = startServer(script, [...Array<'ignore'>(197).fill('ignore'), descriptor]);
    const output = server.stdout === null ? '' : await text(server.stdout);
    closeSync(descriptor);
    expect(output).toMatch(/^\/dev\/null\n/);
    expect(output).not.toMatch(/leaked|descriptor\.txt/);
  });

  test('programs die with a server that is killed', async () => {
    const marker = uniqueMarker(); // put together inside, so that only the innermost processes carry it
    const [head, tail] = [marker.slice(0, 20), marker.slice(20)];
    const server = startServer(`m=${head}; setsid sh -c "sleep 60; : $m${tail}" & sleep 60`, []);
    expect(await eventually(() => countProcesses(marker) > 0, 20_000)).toBe(true);
    server.kill('SIGKILL');
    expect(await eventually(() => countProcesses(marker) === 0)).toBe(true);
  });
});

/** A server of its own with the descriptors from 3 on as given. */
function startServer(script: string, descriptors: readonly ('ignore' | number)[]): ChildProcess {
  const jiti = join(import.meta.dirname, '../../node_modules/jiti/lib/jiti-cli.mjs');
  const file = join(import.meta.dirname, 'server-process.ts');
  return spawn(process.execPath, [jiti, file, script], {
    env: { ...process.env, JITI_FS_CACHE: 'false' },
    stdio: ['ignore', 'pipe', 'inherit', ...descriptors],
  });
}
