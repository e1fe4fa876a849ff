import { join } from 'node:path';
import { InterruptSignal } from '../cli/interrupt.js';
import { benches } from './benches.js';
import { main } from './program.js';

using interrupt = new InterruptSignal();
const { stdout, stderr } = process;
const io = { stdout, stderr, documents: join(import.meta.dirname, '../../docs') }; // this file runs from dist/bench
process.exitCode = await main(process.argv.slice(2), benches, io, interrupt.signal);
