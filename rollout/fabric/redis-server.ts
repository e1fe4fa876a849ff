import { type ChildProcess, spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Deadline } from '../../core/deadline.js';
import { InfrastructureError } from '../../core/errors.js';
import { atMost } from './at-most.js';

/** A redis-server of this process alone; `path` is its unix socket. */
export type PrivateRedis = { readonly path: string } & AsyncDisposable;

const startMs = 5000;
const stopMs = 5000;

/**
 * Starts a redis-server in a new directory. Disposing, or the end of this process however it ends, stops it and removes
 * the directory. Returns undefined when no redis-server is installed.
 */
export async function startPrivateRedis(signal: AbortSignal): Promise<PrivateRedis | undefined> {
  signal.throwIfAborted();
  const server = findProgram('redis-server');
  const shell = findProgram('sh');
  if (server === undefined || shell === undefined) return undefined;
  const directory = await mkdtemp(join(tmpdir(), 'verlet-redis-'));
  const child = spawn(shell, serverArguments(server, directory), {
    detached: true, // or Ctrl-C would end it before the workers have given back their jobs
    stdio: ['pipe', 'ignore', 'ignore'],
    env: { PATH: process.env.PATH },
  });
  const exited = exitOf(child);
  const redis = {
    path: join(directory, 'redis.sock'),
    [Symbol.asyncDispose]: async (): Promise<void> => {
      await stop(child, exited);
      await rm(directory, { recursive: true, force: true });
    },
  };
  try {
    await untilPong(redis.path, child, signal);
    return redis;
  } catch (error) {
    await redis[Symbol.asyncDispose]();
    throw error;
  }
}

/** Arguments of a shell that runs the server until stdin ends, however its writer ended, and then removes the directory. */
export function serverArguments(server: string, directory: string): readonly string[] {
  const socket = ['--port', '0', '--unixsocket', join(directory, 'redis.sock'), '--unixsocketperm', '700'];
  const memoryOnly = ['--save', '', '--appendonly', 'no', '--maxmemory-policy', 'noeviction'];
  return ['-c', untilStdinEnds, 'sh', directory, server, ...socket, ...memoryOnly, '--dir', directory];
}

const untilStdinEnds = `
directory=$1
shift
exec 3<&0
"$@" </dev/null 3<&- &
server=$!
(while read -r line; do :; done <&3; kill -TERM $server) 2>/dev/null &
watcher=$!
exec 3<&-
trap 'kill -TERM $server' TERM INT HUP
while kill -0 $server 2>/dev/null; do wait $server; done
kill $watcher 2>/dev/null
rm -rf "$directory"`;

function findProgram(name: string): string | undefined {
  const candidates = (process.env.PATH ?? '').split(delimiter).map((directory) => join(directory, name));
  return candidates.find((path) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false; // not here
    }
  });
}

/** Resolves when the program has ended or could not be started. */
function exitOf(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', () => resolve());
  });
}

async function stop(child: ChildProcess, exited: Promise<void>): Promise<void> {
  child.stdin?.on('error', () => {}); // already gone
  child.stdin?.end();
  await atMost(stopMs, exited);
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  process.kill(-child.pid, 'SIGKILL');
  await exited;
}

async function untilPong(path: string, child: ChildProcess, signal: AbortSignal): Promise<void> {
  using deadline = new Deadline(signal, startMs);
  while (!(await answersPing(path))) {
    signal.throwIfAborted();
    if (deadline.isExpired || child.exitCode !== null || child.pid === undefined) {
      const message = `redis-server did not start (exit code ${child.exitCode})`;
      throw new InfrastructureError('redis_not_started', message, { retryable: false });
    }
    await delay(5);
  }
}

/** A raw connection: a Redis client would go on retrying by itself. */
function answersPing(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    const answer = (pong: boolean): void => {
      socket.destroy();
      resolve(pong);
    };
    socket.setTimeout(1000, () => answer(false));
    socket.once('connect', () => socket.write('PING\r\n'));
    socket.once('data', (data) => answer(data.toString().startsWith('+PONG')));
    socket.once('error', () => answer(false));
  });
}
