import { createHash } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import type { TrackerContext } from './tracker-context.js';

/** Eight letters and digits, the same for every session of a run: how services tell runs apart. */
export function offlineRunId({ projectName, runName }: Pick<TrackerContext, 'projectName' | 'runName'>): string {
  const digest = createHash('sha256').update(`${projectName}\n${runName}`).digest();
  return (digest.readBigUInt64BE() % 36n ** 8n).toString(36).padStart(8, '0');
}

/** The time as directories of runs carry it: `20260131_235959`, in UTC. */
export function offlineRunTime(time: Date): string {
  return time.toISOString().slice(0, 19).replaceAll(/[-:]/g, '').replace('T', '_');
}

/** The newest of the root's directories named `<prefix><time>-<id>`, undefined where there is none. */
export async function findOfflineRun(root: string, prefix: string, id: string): Promise<string | undefined> {
  const names = await readdir(root).catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw error;
  });
  const isOfRun = (name: string): boolean => name.startsWith(prefix) && name.endsWith(`-${id}`);
  return names.filter(isOfRun).sort().at(-1);
}
