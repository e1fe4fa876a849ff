import { createHash, randomUUID } from 'node:crypto';
import { type FileHandle, mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Response } from 'undici';
import { ConfigError } from '../../errors.js';
import { type HubConnection, Unanswered } from './hub-connection.js';

/** So many new bytes make a failure not count: a long download may fail often on a bad line. */
const ADVANCE_BYTES = 2 ** 20;

export interface Digest {
  /** git hashes a file with its length before it. */
  readonly kind: 'sha256' | 'git';
  readonly hex: string;
}

export interface Download {
  readonly url: string;
  readonly sizeBytes: number;
  readonly digest: Digest | undefined;
  /** Where the whole file stands in the end. */
  readonly target: string;
  onProgress?(doneBytes: number): void;
}

/**
 * Brings one file to `target`: under a name of its own first, so that other processes neither see a part nor write to it, renamed when
 * size and digest are right. A broken connection goes on where it broke. Nothing is left behind by an error or an abort.
 */
export async function downloadFile(connection: HubConnection, download: Download, signal: AbortSignal): Promise<void> {
  await onDisk(download.target, () => mkdir(dirname(download.target), { recursive: true }));
  await using partial = await PartialFile.create(download);
  await connection.get(
    {
      url: download.url,
      headers: () => (partial.doneBytes > 0 ? { range: `bytes=${partial.doneBytes}-` } : {}),
      hasAdvanced: () => partial.hasAdvanced(),
      read: (response, heard) => partial.fill(response, heard),
    },
    signal,
  );
  signal.throwIfAborted();
  await partial.finish();
}

class PartialFile implements AsyncDisposable {
  doneBytes = 0;
  readonly #download: Download;
  readonly #path: string;
  readonly #handle: FileHandle;
  #hash: ReturnType<typeof createHash>;
  #furthestBytes = 0;
  #failedAtBytes = 0;

  private constructor(download: Download, path: string, handle: FileHandle) {
    this.#download = download;
    this.#path = path;
    this.#handle = handle;
    this.#hash = startHash(download);
  }

  static async create(download: Download): Promise<PartialFile> {
    const path = `${download.target}.${randomUUID().slice(0, 8)}.incomplete`;
    return new PartialFile(download, path, await onDisk(path, () => open(path, 'wx')));
  }

  /** Takes the bytes from where it stands; begins anew when the server sends the whole file instead. */
  async fill(response: Response, heard: () => void): Promise<void> {
    if (startOf(response) !== this.doneBytes) await this.#restart();
    if (startOf(response) !== this.doneBytes) throw new Unanswered(`${this.#download.url} answers another range`);
    for await (const chunk of response.body ?? []) {
      heard();
      await this.#write(chunk);
    }
    await this.#check();
  }

  /** True when a mebibyte came that no attempt had before. */
  hasAdvanced(): boolean {
    const hasAdvanced = this.#furthestBytes - this.#failedAtBytes >= ADVANCE_BYTES;
    if (hasAdvanced) this.#failedAtBytes = this.#furthestBytes;
    return hasAdvanced;
  }

  async finish(): Promise<void> {
    await onDisk(this.#path, async () => {
      await this.#handle.sync();
      await this.#handle.close();
      await rename(this.#path, this.#download.target);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#handle.close().catch(() => undefined); // closed already when all went well
    await rm(this.#path, { force: true });
  }

  async #write(chunk: Uint8Array): Promise<void> {
    const { sizeBytes, onProgress } = this.#download;
    if (this.doneBytes + chunk.byteLength > sizeBytes) await this.#reject(`more than ${sizeBytes} bytes`);
    await onDisk(this.#path, () => writeWhole(this.#handle, chunk, this.doneBytes));
    this.#hash.update(chunk);
    this.doneBytes += chunk.byteLength;
    this.#furthestBytes = Math.max(this.#furthestBytes, this.doneBytes);
    onProgress?.(this.doneBytes);
  }

  async #check(): Promise<void> {
    const { sizeBytes, digest, url } = this.#download;
    if (this.doneBytes < sizeBytes) throw new Unanswered(`${url} ended after ${this.doneBytes} of ${sizeBytes} bytes`);
    const hex = this.#hash.copy().digest('hex');
    if (digest !== undefined && hex !== digest.hex)
      await this.#reject(`a content with the hash ${hex}, not ${digest.hex}`);
  }

  async #reject(why: string): Promise<never> {
    await this.#restart();
    throw new Unanswered(`${this.#download.url} has ${why}`);
  }

  async #restart(): Promise<void> {
    await onDisk(this.#path, () => this.#handle.truncate(0));
    this.#hash = startHash(this.#download);
    this.doneBytes = 0;
  }
}

function startHash({ digest, sizeBytes }: Download): ReturnType<typeof createHash> {
  return digest?.kind === 'git' ? createHash('sha1').update(`blob ${sizeBytes}\0`) : createHash('sha256');
}

function startOf({ status, headers }: Response): number {
  if (status !== 206) return 0;
  return Number(/^bytes (\d+)-/.exec(headers.get('content-range') ?? '')?.[1] ?? Number.NaN);
}

async function writeWhole(handle: FileHandle, chunk: Uint8Array, position: number): Promise<void> {
  for (let written = 0; written < chunk.byteLength; ) {
    const { bytesWritten } = await handle.write(chunk, written, chunk.byteLength - written, position + written);
    written += bytesWritten;
  }
}

/** Runs what touches the disk; its errors are about the user's disk, not about the network. */
export async function onDisk<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new ConfigError(
      `cannot write ${path}: ${why}; free space there, or name another cache (HF_HOME, MODELSCOPE_CACHE)`,
      { cause },
    );
  }
}
