// Damages files of each format that users bring, 10,000 times each, and reads them: each must end in a value or in an error that says what
// is wrong. tests/fuzz/formats.ts has the table of formats. Minutes.
// Usage: npm run test:fuzz [-- --cases N --seed N]

import { parseArgs } from 'node:util';
import { runMain } from './command.mjs';
import { setUp } from './setup.mjs';
import { runVitest } from './vitest.mjs';

await runMain(setUp);
await runMain(main);

async function main() {
  const options = { cases: { type: 'string', default: '10000' }, seed: { type: 'string', default: '1' } };
  const { cases, seed } = parseArgs({ options }).values;
  const env = { ...process.env, VERLET_FUZZ_CASES: cases, VERLET_FUZZ_SEED: seed };
  const { code, passed, failed } = await runVitest(['tests/fuzz'], env);
  process.stdout.write(`${cases} cases a format with seed ${seed}: ${passed} formats passed, ${failed} failed\n`);
  process.exitCode = code === 0 && passed > 0 ? 0 : 1;
}
