#!/usr/bin/env node
import { InterruptSignal } from './interrupt.js';
import { main } from './program.js';

const interrupt = new InterruptSignal();
const { stdin, stdout, stderr, env } = process;
const exitCode = await main(process.argv.slice(2), { stdin, stdout, stderr, env }, interrupt.signal);
process.exit(exitCode);
