import { readdir, readFile } from 'node:fs/promises';
import { kill } from './kill.js';

/** How processes are recognised on Linux: one entry of their environment or arguments, as they were started. */
export interface ProcessTrace {
  readonly file: 'environ' | 'cmdline';
  readonly entry: string;
}

const MAX_ROUNDS = 20;

/** Kills every process with the trace, in rounds, since one may fork while we look. Does nothing where there is no /proc. */
export async function reapProcesses(trace: ProcessTrace): Promise<void> {
  if (process.platform !== 'linux') return;
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const survivors = await processesWith(trace);
    if (survivors.length === 0) return;
    for (const pid of survivors) kill(pid);
  }
}

async function processesWith({ file, entry }: ProcessTrace): Promise<readonly number[]> {
  const found: number[] = [];
  for (const pid of (await readdir('/proc')).map(Number)) {
    if (pid > 0 && (await entries(`/proc/${pid}/${file}`)).includes(entry)) found.push(pid);
  }
  return found;
}

/** Empty for a process that is gone or not ours to look at. */
async function entries(path: string): Promise<readonly string[]> {
  return (await readFile(path, 'utf8').catch(() => '')).split('\0');
}
