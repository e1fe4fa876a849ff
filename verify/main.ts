import { InterruptSignal } from '../cli/interrupt.js';
import { main } from './program.js';

using interrupt = new InterruptSignal();
process.exitCode = await main(process.argv.slice(2), process, interrupt.signal);
