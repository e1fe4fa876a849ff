import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { runMain } from './command.mjs';
import { setUp } from './setup.mjs';

// Compares verlet with reference numbers: npm run verify -- algorithms FILE…, npm run verify -- model --model DIR --reference FILE

const root = dirname(dirname(fileURLToPath(import.meta.url)));

await runMain(setUp);

const main = join(root, 'dist/verify/main.js');
process.argv = [process.execPath, main, ...process.argv.slice(2)];
await import(pathToFileURL(main).href);
