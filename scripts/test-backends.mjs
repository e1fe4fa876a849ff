// The whole suite once a backend that this machine has, and a table of what passed; a backend that does not load is named with the reason.
// Usage: npm run test:backends [-- vitest's arguments]

import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { runMain, say } from './command.mjs';
import { setUp } from './setup.mjs';
import { runVitest } from './vitest.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const BACKENDS = ['native', 'wasm', 'cpu', 'node'];
/** They are there on every machine that this suite is for: without them the run has failed. */
const NEEDED = ['native', 'wasm', 'cpu'];

await runMain(setUp);
await runMain(main);

async function main() {
  const rows = [];
  for (const backend of BACKENDS) rows.push(await testOn(backend));
  process.stdout.write('\nbackend   passed   failed  skipped\n');
  for (const row of rows) process.stdout.write(`${line(row)}\n`);
  process.exitCode = rows.every(({ isFine }) => isFine) ? 0 : 1;
}

async function testOn(backend) {
  const problem = await problemOf(backend);
  if (problem !== undefined) return { backend, problem, isFine: !NEEDED.includes(backend) };
  say(`the whole suite on backend ${backend}`);
  const env = { ...process.env, VERLET_TEST_BACKENDS: backend, VERLET_TEST_BACKEND: backend };
  const result = await runVitest(process.argv.slice(2), env);
  return { backend, ...result, isFine: result.code === 0 && result.passed > 0 };
}

async function problemOf(backend) {
  const { useBackend } = await import(pathToFileURL(join(root, 'dist/core/tensor/backend.js')).href);
  try {
    await useBackend(backend);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function line({ backend, problem, passed, failed, skipped, code }) {
  if (problem !== undefined) return `${backend.padEnd(8)}  ${problem}`;
  const counts = [passed, failed, skipped].map((count) => String(count).padStart(7)).join('  ');
  const end = code !== 0 && failed === 0 ? `  vitest ended with ${code}` : '';
  return `${backend.padEnd(8)}${counts}${end}`;
}
