import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** Runs vitest in the open; its exit code, and how many tests passed, failed and were skipped. */
export async function runVitest(args, env = process.env) {
  const folder = mkdtempSync(join(tmpdir(), 'verlet-test-'));
  try {
    const report = join(folder, 'report.json');
    const code = await spawnVitest(
      ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`, ...args],
      env,
    );
    return { code, ...countResults(report) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function spawnVitest(args, env) {
  const vitest = join(root, 'node_modules/vitest/vitest.mjs');
  const child = spawn(process.execPath, [vitest, 'run', ...args], { cwd: root, env, stdio: 'inherit' });
  const passOn = (signal) => child.kill(signal);
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, passOn);
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => {
      for (const signal of ['SIGINT', 'SIGTERM']) process.off(signal, passOn);
      resolve(code ?? 1);
    });
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
