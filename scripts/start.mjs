import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { runMain } from './command.mjs';
import { setUp } from './setup.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

await runMain(setUp);

// The command runs in this very process: signals, exit code and terminal are its own, with nothing in between to pass them on.
const main = join(root, 'dist/cli/main.js');
process.argv = [process.execPath, main, 'train', 'examples/arithmetic/arithmetic.yaml', ...process.argv.slice(2)];
await import(pathToFileURL(main).href);
