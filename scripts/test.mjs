import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runMain, say } from './command.mjs';
import { setUp } from './setup.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

await runMain(setUp);
await runMain(test);

/** Runs vitest and ends with the plain line `N passed, N failed`; a run that executed nothing has failed. */
async function test() {
  const folder = mkdtempSync(join(tmpdir(), 'verlet-test-'));
  try {
    const report = join(folder, 'report.json');
    const code = await runVitest(report);
    process.exitCode = conclude(code, countResults(report));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function runVitest(report) {
  const vitest = join(root, 'node_modules/vitest/vitest.mjs');
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
  const child = spawn(process.execPath, [vitest, 'run', ...reporters, ...process.argv.slice(2)], {
    cwd: root,
    stdio: 'inherit',
  });
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve(code ?? 1));
  });
}

/** A file that could not even be loaded has no tests; it counts as one that failed. */
function countResults(report) {
  if (!existsSync(report)) return { passed: 0, failed: 0, skipped: 0 };
  const { numPassedTests, numFailedTests, numPendingTests, numTodoTests, testResults } = JSON.parse(
    readFileSync(report, 'utf8'),
  );
  const brokenFiles = testResults.filter((file) => file.status === 'failed' && !file.assertionResults.some(hasFailed));
  return {
    passed: numPassedTests,
    failed: numFailedTests + brokenFiles.length,
    skipped: numPendingTests + numTodoTests,
  };
}

function hasFailed(test) {
  return test.status === 'failed';
}

/** The exit code, after the closing lines. An error outside of every test counts as one failure. */
function conclude(code, { passed, failed, skipped }) {
  const isEmpty = passed + failed === 0;
  if (isEmpty) say('no test was executed');
  if (code !== 0 && failed === 0) say(`vitest ended with ${code} though no test failed: see above`);
  const shownFailed = failed === 0 && (code !== 0 || isEmpty) ? 1 : failed;
  if (skipped > 0) process.stdout.write(`${skipped} skipped\n`);
  process.stdout.write(`${passed} passed, ${shownFailed} failed\n`);
  return shownFailed === 0 ? 0 : code || 1;
}
