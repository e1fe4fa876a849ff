import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { InfrastructureError } from '../../core/errors.js';
import { bubblewrapProvider } from '../../sandbox/bubblewrap.js';
import { sandboxConfig } from '../../sandbox/config.js';
import { limits, never, OwnTemporaryDirectory } from './machine.js';

const failingWith = async (script: string): Promise<unknown> => {
  using temporary = new OwnTemporaryDirectory();
  const bwrap = join(temporary.path, 'bwrap');
  writeFileSync(bwrap, `#!/bin/sh\n${script}\n`);
  chmodSync(bwrap, 0o755);
  await using provider = await bubblewrapProvider({ bwrap, prlimit: '/usr/bin/prlimit' }, sandboxConfig.parse({}));
  await using sandbox = await provider.create(never);
  return await sandbox.exec(['true'], limits, never).catch((error) => error);
};

test('bubblewrap that ends without a record of an exit code is a failure of ours, to be tried again', async () => {
  const error = await failingWith('echo "bwrap: out of luck" >&2; exit 1');
  expect(error).toBeInstanceOf(InfrastructureError);
  expect(error).toMatchObject({ code: 'sandbox_died', retryable: true, message: 'bubblewrap: bwrap: out of luck' });
});

test('a record that comes in pieces is read whole', async () => {
  const report = `printf '{ "child-pid": 7' >&4; printf ' }\\n{ "exit' >&4; printf -- '-code": 5 }\\n' >&4; exit 5`;
  expect(await failingWith(report)).toMatchObject({ exitCode: 5 });
});

test('a signal is recorded as 128 and its number, and is no exit code', async () => {
  expect(await failingWith(`echo '{ "exit-code": 137 }' >&4; exit 137`)).toMatchObject({ exitCode: null });
  expect(await failingWith(`echo '{ "exit-code": 200 }' >&4; exit 200`)).toMatchObject({ exitCode: 200 });
});
