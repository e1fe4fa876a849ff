import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runMain, SetupError, say } from './command.mjs';
import { modelCache } from './model-cache.mjs';
import { setUp } from './setup.mjs';
import { runVitest } from './vitest.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

await runMain(setUp);
await runMain(test);

/** Runs vitest and ends with the plain line `N passed, N failed`; a run that executed nothing has failed. */
async function test() {
  const env = { ...process.env, VERLET_MODEL_CACHE: await availableModels() };
  process.exitCode = conclude(await runVitest(process.argv.slice(2), env));
}

/** Where the files of real models cannot be had, the tests that read them are skipped, and counted; everything else is tested. */
async function availableModels() {
  try {
    return await modelCache(root);
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    say(`warning: ${error.message}`);
    return undefined;
  }
}

/** The exit code, after the closing lines. An error outside of every test counts as one failure. */
function conclude({ code, passed, failed, skipped }) {
  const isEmpty = passed + failed === 0;
  if (isEmpty) say('no test was executed');
  if (code !== 0 && failed === 0) say(`vitest ended with ${code} though no test failed: see above`);
  const shownFailed = failed === 0 && (code !== 0 || isEmpty) ? 1 : failed;
  if (skipped > 0) process.stdout.write(`${skipped} skipped\n`);
  process.stdout.write(`${passed} passed, ${shownFailed} failed\n`);
  return shownFailed === 0 ? 0 : code || 1;
}
