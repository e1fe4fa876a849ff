// Comparisons with real models in their long form: every prompt and token, of which `npm test` has a share. Some minutes.
// Usage: npm run test:models [-- vitest's arguments]

import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runMain } from './command.mjs';
import { modelCache } from './model-cache.mjs';
import { setUp } from './setup.mjs';
import { runVitest } from './vitest.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const TESTS = 'tests/models';

await runMain(setUp);
await runMain(main);

/** A run in which nothing passed has failed: without the files every test is skipped. */
async function main() {
  const env = { ...process.env, VERLET_MODEL_CACHE: await modelCache(root), VERLET_MODEL_TESTS: 'all' };
  const { code, passed, failed } = await runVitest([TESTS, ...process.argv.slice(2)], env);
  process.stdout.write(`${passed} passed, ${failed} failed\n`);
  process.exitCode = code === 0 && passed > 0 ? 0 : 1;
}
