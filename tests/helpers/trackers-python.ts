import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { promisify } from 'node:util';

/** A Python with the trackers' own packages; `npm run test:trackers` makes one. */
export const trackersPython = process.env.VERLET_TRACKERS_PYTHON;

/** What a test of such packages is called, so that its being skipped explains itself. */
export const needsPython = 'needs VERLET_TRACKERS_PYTHON, see npm run test:trackers';

/** What the script prints, read as JSON. */
export async function askPython(
  script: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
): Promise<unknown> {
  const options = { env: { ...process.env, ...env }, maxBuffer: 1e8 };
  const { stdout } = await promisify(execFile)(python(), ['-c', script, ...args], options);
  return JSON.parse(stdout);
}

/** A module that serves HTTP on a free port of loopback; resolves when it answers. Dispose to end it and all it started. */
export async function servePython(
  module: string,
  args: readonly string[],
  path = '/',
): Promise<AsyncDisposable & { readonly url: string }> {
  const port = await freePort();
  const words = ['-m', module, ...args, '--host', '127.0.0.1', '--port', `${port}`];
  const child = spawn(python(), words, { detached: true, stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-4000);
  });
  const exited = once(child, 'exit');
  const url = `http://127.0.0.1:${port}`;
  while (!(await answers(`${url}${path}`))) {
    if (child.exitCode !== null) throw new Error(`${words.join(' ')} ended with ${child.exitCode}: ${said}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return {
    url,
    [Symbol.asyncDispose]: async () => {
      if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, 'SIGKILL');
      await exited;
    },
  };
}

async function answers(url: string): Promise<boolean> {
  return fetch(url).then(
    ({ ok }) => ok,
    () => false,
  );
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (typeof address !== 'object' || address === null) throw new Error('no port is free');
  return address.port;
}

function python(): string {
  if (trackersPython === undefined) throw new Error(`no Python is named: ${needsPython}`);
  return trackersPython;
}
