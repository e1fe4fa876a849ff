import { execFile, spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { compilerArguments } from '../../../../core/tensor/native/build.js';
import { TemporaryFolder } from '../../../helpers/temporary-folder.js';

const run = promisify(execFile);
const sources = readdirSync('core/tensor/native').filter((name) => /^isa-.*\.cpp$/.test(name));
const hasTools = ['g++', 'nm'].every((tool) => spawnSync(tool, ['--version']).status === 0);

/**
 * The linker keeps one copy of a weak symbol. Were it one that files of several instruction sets share, such as an inline function of
 * the standard library, a processor could be given code that it does not have. Without optimisation nothing is inlined away.
 */
test.runIf(hasTools).each(sources)(
  '%s has no symbol that code of another instruction set could share',
  async (source) => {
    using folder = new TemporaryFolder();
    const object = join(folder.path, 'object.o');
    await run('g++', [...compilerArguments('g++', source), '-O0', '-o', object]);
    const { stdout } = await run('nm', ['-C', '--defined-only', object], { maxBuffer: 2 ** 26 });
    const weak = [...stdout.matchAll(/ [WVu] (.*)/g)].map(([, name = '']) => name);
    expect(weak.filter((name) => !name.startsWith('verlet_'))).toEqual([]);
    expect(stdout).toMatch(process.arch === 'x64' ? / D verlet::\w+Kernels/ : / D verlet::portableKernels|^$/);
  },
);
