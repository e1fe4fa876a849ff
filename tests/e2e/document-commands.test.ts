import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { detectedBackend } from '../helpers/backend.js';
import { build, Workplace } from '../helpers/program.js';

beforeAll(build, 180_000);

const main = resolve('dist/cli/main.js');

test.each(['docs/sft.md', 'docs/data.md'])(
  'the commands of %s work one after the other, as they stand',
  async (page) => {
    await using workplace = new Workplace();
    const blocks = [...readFileSync(page, 'utf8').matchAll(/^```sh\n(.*?)^```/gms)].map(([, block]) => block);
    expect(blocks).toHaveLength(2);
    const verlet = `verlet() { "${process.execPath}" "${main}" "$@" --backend ${detectedBackend} --quiet; }`;
    const script = ['set -e', verlet, ...blocks].join('\n');
    const env = { ...process.env, HOME: workplace.path };
    const output = execFileSync('bash', ['-c', script], { cwd: workplace.path, env, encoding: 'utf8', stdio: 'pipe' });
    expect(output.match(/^report: /gm)).toHaveLength(2);
  },
  120_000,
);
