import { randomUUID } from 'node:crypto';
import { copyFile, mkdir, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { onDisk } from './download-file.js';

/** The part of the cache of Python's huggingface_hub that belongs to one model: `blobs`, `refs` and `snapshots` full of links. */
export class HubCache {
  readonly folder: string;

  constructor(cache: string, name: string) {
    this.folder = join(cache, `models--${name.replaceAll('/', '--')}`);
  }

  snapshot(commit: string): string {
    return join(this.folder, 'snapshots', commit);
  }

  /** Content by its hash. */
  blob(hash: string): string {
    return join(this.folder, 'blobs', hash);
  }

  /** The commit that a branch or tag was at when it was last asked for. */
  async commitOf(revision: string): Promise<string | undefined> {
    if (isCommit(revision)) return revision;
    const text = await readFile(join(this.folder, 'refs', revision), 'utf8').catch(() => undefined);
    return text !== undefined && isCommit(text.trim()) ? text.trim() : undefined;
  }

  /** Remembers where a branch or tag is. Without a line break: Python takes the text as it is. */
  async remember(revision: string, commit: string): Promise<void> {
    if (revision === commit || (await this.commitOf(revision)) === commit) return;
    await replace(join(this.folder, 'refs', revision), (temporary) => writeFile(temporary, commit));
  }

  /** Shows a blob under a file's name. */
  async link(commit: string, name: string, hash: string): Promise<void> {
    await replace(join(this.snapshot(commit), name), (temporary) => linkOrCopy(this.blob(hash), temporary));
  }
}

export function isCommit(revision: string): boolean {
  return /^[0-9a-f]{40}$/.test(revision);
}

/** True for a file of that size, also behind a link. */
export async function hasSize(path: string, sizeBytes: number): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  return found?.isFile() === true && found.size === sizeBytes;
}

/** Others see the old or the new, whoever else does the same at this moment. */
async function replace(path: string, make: (temporary: string) => Promise<void>): Promise<void> {
  const temporary = `${path}.${randomUUID().slice(0, 8)}.incomplete`;
  await onDisk(path, async () => {
    await mkdir(dirname(path), { recursive: true });
    try {
      await make(temporary);
      await rename(temporary, path);
    } finally {
      await rm(temporary, { force: true });
    }
  });
}

/** Windows lets not everybody make links. */
async function linkOrCopy(from: string, to: string): Promise<void> {
  await symlink(relative(dirname(to), from), to).catch(() => copyFile(from, to));
}
