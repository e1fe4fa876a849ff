import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { TemporaryFolder } from './temporary-folder.js';

const repository = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

const TSCONFIG = {
  compilerOptions: {
    target: 'es2022',
    module: 'nodenext',
    strict: true,
    declaration: true,
    lib: ['es5'],
    skipLibCheck: true,
    rootDir: '.',
    outDir: 'dist',
    types: [],
    noEmitOnError: true,
  },
};

/** How a program ended, both streams whole. */
export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A small project around a copy of the real scripts; `core/a.ts` is its only source. */
export class Checkout extends TemporaryFolder {
  constructor() {
    super();
    cpSync(join(repository, 'scripts'), join(this.path, 'scripts'), { recursive: true });
    this.write({
      'tsconfig.json': JSON.stringify(TSCONFIG),
      'tsconfig.build.json': JSON.stringify({ extends: './tsconfig.json', include: ['core', 'cli'] }),
      'core/a.ts': 'export const a = 1;\n',
    });
  }

  /** node_modules that already fits the lock: links to this repository's compiler, test runner and the rest. */
  withPackages(): this {
    this.write({
      'package.json': JSON.stringify({ name: 'project', type: 'module' }),
      'package-lock.json': JSON.stringify({ lockfileVersion: 3, packages: {} }),
      'node_modules/.package-lock.json': JSON.stringify({ lockfileVersion: 3, packages: {} }),
    });
    mkdirSync(join(this.path, 'node_modules/@tensorflow'));
    for (const name of ['typescript', 'vitest', 'rolldown', '@tensorflow/tfjs-core']) {
      symlinkSync(join(repository, 'node_modules', name), join(this.path, 'node_modules', name));
    }
    return this;
  }

  /** A lock whose only package lies in the project, so that the real npm installs it without a network. */
  withoutPackages(): this {
    const devDependencies = { typescript: 'file:vendor/typescript' };
    const tsc = join(repository, 'node_modules/typescript/bin/tsc');
    return this.write({
      'package.json': JSON.stringify({ name: 'project', version: '1.0.0', type: 'module', devDependencies }),
      'package-lock.json': JSON.stringify({
        name: 'project',
        version: '1.0.0',
        lockfileVersion: 3,
        requires: true,
        packages: {
          '': { name: 'project', version: '1.0.0', devDependencies },
          'node_modules/typescript': { resolved: 'vendor/typescript', link: true },
          'vendor/typescript': { version: '1.0.0', dev: true },
        },
      }),
      'vendor/typescript/package.json': JSON.stringify({ name: 'typescript', version: '1.0.0' }),
      'vendor/typescript/bin/tsc': `require(${JSON.stringify(tsc)});\n`,
    });
  }

  /** Runs one of the scripts to its end. */
  run(
    script: string,
    args: readonly string[] = [],
    options: { env?: NodeJS.ProcessEnv; uid?: number } = {},
  ): Promise<Ended> {
    const { env = { PATH: process.env.PATH, HOME: this.path, VERLET_MODEL_CACHE: 'none' }, ...rest } = options;
    return new Promise((resolve) => {
      const child = execFile(process.execPath, [join(this.path, 'scripts', script), ...args], {
        cwd: this.path,
        env,
        ...rest,
      });
      let [stdout, stderr] = ['', ''];
      child.stdout?.on('data', (chunk) => (stdout += chunk));
      child.stderr?.on('data', (chunk) => (stderr += chunk));
      child.on('close', (code) => resolve({ code, stdout, stderr }));
    });
  }
}
