import { createHash } from 'node:crypto';
import { chmodSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Checkout } from '../helpers/checkout.js';

/** A checkout whose cache holds a tfjs-node built by `recipe`, and whose npm fails. */
class Machine extends Checkout {
  readonly folder = join(this.path, 'cache/verlet');

  constructor(recipe: (script: Buffer) => string) {
    super();
    this.withPackages();
    const folder = JSON.stringify(join(this.folder, 'built'));
    this.write({
      'core/tensor/tfjs-node-folder.ts': `export function tfjsNodeFolder() { return ${folder}; }`,
      'cache/verlet/built/.recipe': recipe(readFileSync(join(this.path, 'scripts/tfjs-node.mjs'))),
      'bin/npm': '#!/bin/sh\necho "no network" >&2; exit 3\n',
    });
    chmodSync(join(this.path, 'bin/npm'), 0o755);
    symlinkSync(process.execPath, join(this.path, 'bin/node'));
  }

  build() {
    return this.run('tfjs-node.mjs', [], { env: { PATH: join(this.path, 'bin'), HOME: this.path } });
  }
}

test.runIf(process.platform === 'linux' && process.arch === 'x64')(
  'what this very script has built is kept',
  async () => {
    using machine = new Machine((script) => createHash('sha256').update(script).digest('hex'));
    const { code, stderr } = await machine.build();
    expect(stderr).toContain(`backend node is ready in ${machine.folder}/built`);
    expect(code).toBe(0);
  },
);

test.runIf(process.platform === 'linux' && process.arch === 'x64')(
  'a build that fails says why and leaves the old one',
  async () => {
    using machine = new Machine(() => 'another recipe');
    const { code, stderr } = await machine.build();
    expect(stderr).toMatch(/error: `npm install .*` ended with 3\. Its last lines:\n {2}no network/);
    expect(code).toBe(1);
    expect(readdirSync(machine.folder)).toEqual(['built']);
  },
);
