import type { Readable } from 'node:stream';

/** Reads a stream to its end and keeps only its first bytes. */
export class CappedOutput {
  readonly #chunks: Buffer[] = [];
  readonly #maxBytes: number;
  #seenBytes = 0;

  constructor(stream: Readable, maxBytes: number) {
    this.#maxBytes = maxBytes;
    stream.on('data', (chunk: Buffer) => this.#take(chunk));
    stream.on('error', () => stream.destroy());
  }

  /** Bytes that came, kept or not. */
  get seenBytes(): number {
    return this.#seenBytes;
  }

  get isTruncated(): boolean {
    return this.#seenBytes > this.#maxBytes;
  }

  /** What was kept, as UTF-8; a character cut in two by the cap is left out. */
  text(): string {
    const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
    return decoder.decode(Buffer.concat(this.#chunks), { stream: this.isTruncated });
  }

  #take(chunk: Buffer): void {
    const room = this.#maxBytes - this.#seenBytes;
    if (room > 0) this.#chunks.push(chunk.subarray(0, room));
    this.#seenBytes += chunk.length;
  }
}
