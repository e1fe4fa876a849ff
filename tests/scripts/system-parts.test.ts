import { chmodSync, chownSync, existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Checkout } from '../helpers/checkout.js';

const isRoot = process.getuid?.() === 0;

/** A checkout whose PATH holds node, a few basics and the scripts given, but none of the system parts. */
class BareMachine extends Checkout {
  readonly #bin = join(this.path, 'bin');
  readonly env = { PATH: this.#bin, HOME: this.path };

  constructor(programs: { readonly [name: string]: string } = {}) {
    super();
    mkdirSync(this.#bin);
    symlinkSync(process.execPath, join(this.#bin, 'node'));
    for (const [name, script] of Object.entries(programs)) {
      this.write({ [`bin/${name}`]: `#!/bin/sh\nHERE=${this.path}\n${script}\n` });
      chmodSync(join(this.#bin, name), 0o755);
    }
    this.withPackages();
  }

  setUp(options: { uid?: number } = {}) {
    return this.run('setup.mjs', [], { env: this.env, ...options });
  }

  get aptCalls(): string {
    const log = join(this.path, 'apt.log');
    return existsSync(log) ? readFileSync(log, 'utf8') : '';
  }
}

const APT = `
echo "$DEBIAN_FRONTEND $*" >> "$HERE/apt.log"
case "$*" in *install*) for name in redis-server bwrap g++ python3; do echo > "$HERE/bin/$name"; /bin/chmod +x "$HERE/bin/$name"; done;; esac
`;

test('without a package manager each missing part is named once with what stands in for it', async () => {
  using machine = new BareMachine();
  const { code, stderr } = await machine.setUp();
  expect(code).toBe(0);
  expect(stderr).toMatch(/redis-server is missing: .*in-process job fabric.*apt-get install redis-server/);
  expect(stderr).toMatch(/bwrap is missing: .*without isolation.*apt-get install bubblewrap/);
  expect(stderr).toMatch(/g\+\+ is missing: .*wasm.*apt-get install g\+\+/);
  expect(stderr).toMatch(/python3 is missing: .*python tool cannot run/);
  expect(await machine.setUp()).toEqual({ code: 0, stdout: '', stderr: '' });
});

test('clang++ is as good as g++', async () => {
  using machine = new BareMachine({ 'clang++': '' });
  const { stderr } = await machine.setUp();
  expect(stderr).toContain('python3 is missing');
  expect(stderr).not.toContain('g++');
});

test.runIf(isRoot)('root on Debian gets the missing parts, without questions and without services', async () => {
  using machine = new BareMachine({ 'apt-get': APT });
  const policies = readdirSync('/usr/sbin').filter((name) => name === 'policy-rc.d');
  const { code, stderr } = await machine.setUp();
  expect(code).toBe(0);
  expect(stderr).toContain('installing redis-server, bubblewrap, g++, python3');
  expect(machine.aptCalls).toMatch(
    /^noninteractive .* update\nnoninteractive .*--no-install-recommends redis-server bubblewrap g\+\+ python3\n$/,
  );
  expect(readdirSync('/usr/sbin').filter((name) => name === 'policy-rc.d')).toEqual(policies);
  expect(await machine.setUp()).toEqual({ code: 0, stdout: '', stderr: '' });
});

test.runIf(isRoot)('a package manager that fails stops nothing and is not asked again', async () => {
  using machine = new BareMachine({ 'apt-get': 'echo asked >> "$HERE/apt.log"; echo "E: no network" >&2; exit 100' });
  const { code, stderr } = await machine.setUp();
  expect(code).toBe(0);
  expect(stderr).toContain('E: no network');
  expect(stderr).toContain('redis-server is missing');
  expect(await machine.setUp()).toEqual({ code: 0, stdout: '', stderr: '' });
  expect(machine.aptCalls).toBe('asked\n');
});

test.runIf(isRoot)('who is not root is told, and the package manager is not asked', async () => {
  using machine = new BareMachine({ 'apt-get': APT });
  const nobody = 65_534;
  for (const name of ['.', ...readdirSync(machine.path, { recursive: true, encoding: 'utf8' })]) {
    if (!name.startsWith('node_modules/') && name !== 'bin/node') chownSync(join(machine.path, name), nobody, nobody);
  }
  const { code, stderr } = await machine.setUp({ uid: nobody });
  expect(code).toBe(0);
  expect(stderr).toContain('redis-server is missing');
  expect(machine.aptCalls).toBe('');
});
