/** What is known of a buffer that tensors lie in. */
interface Use {
  tensors: number;
  /** Made by the pool: may be handed out again. */
  readonly isOwn: boolean;
}

/** Shorter arrays are cheaper to make than to keep. */
const smallest = 256;

/**
 * Float32Arrays that are handed out again after use instead of being zeroed and paged in anew (first touch is what fresh memory costs).
 * Counts the tensors on every buffer, because tfjs lets slices share their parent's; a buffer is free when none is left.
 */
export class ArrayPool {
  readonly #uses = new Map<ArrayBufferLike, Use>();
  readonly #free = new Map<number, ArrayBuffer[]>();
  #allocated = 0;
  #freeBytes = 0;
  #peakAllocated = 0;
  #peakReserved = 0;

  /** An array of arbitrary contents, to be given to `retain` next. */
  take(length: number): Float32Array {
    if (length < smallest) return new Float32Array(length);
    const bytes = sizeClass(4 * length);
    const buffer = this.#free.get(bytes)?.pop();
    if (buffer !== undefined) {
      this.#freeBytes -= bytes;
      return new Float32Array(buffer, 0, length);
    }
    if (this.#freeBytes > this.#allocated) this.#dropFree();
    const fresh = new ArrayBuffer(bytes);
    this.#uses.set(fresh, { tensors: 0, isOwn: true });
    return new Float32Array(fresh, 0, length);
  }

  /** One more tensor lies in the array's buffer. */
  retain(values: unknown): void {
    if (!ArrayBuffer.isView(values)) return;
    const use = this.#uses.get(values.buffer) ?? { tensors: 0, isOwn: false };
    this.#uses.set(values.buffer, use);
    use.tensors += 1;
    if (use.tensors > 1) return;
    this.#allocated += values.buffer.byteLength;
    this.#peakAllocated = Math.max(this.#peakAllocated, this.#allocated);
    this.#peakReserved = Math.max(this.#peakReserved, this.#allocated + this.#freeBytes);
  }

  /** One tensor less. */
  release(values: unknown): void {
    if (!ArrayBuffer.isView(values)) return;
    const { buffer } = values;
    const use = this.#uses.get(buffer);
    if (use === undefined) return;
    use.tensors -= 1;
    if (use.tensors > 0) return;
    this.#uses.delete(buffer);
    this.#allocated -= buffer.byteLength;
    if (!use.isOwn || !(buffer instanceof ArrayBuffer)) return;
    this.#uses.set(buffer, { tensors: 0, isOwn: true });
    this.#freeBytes += buffer.byteLength;
    const waiting = this.#free.get(buffer.byteLength);
    if (waiting === undefined) this.#free.set(buffer.byteLength, [buffer]);
    else waiting.push(buffer);
  }

  /** True for an array whose memory will be handed out again: what must outlive its tensor has to be copied. */
  isOwn(values: unknown): boolean {
    return ArrayBuffer.isView(values) && this.#uses.get(values.buffer)?.isOwn === true;
  }

  /** Bytes that tensors lie in now, bytes kept in all, and the highest of both since `resetPeaks`. */
  get memory(): {
    readonly allocated: number;
    readonly reserved: number;
    readonly peakAllocated: number;
    readonly peakReserved: number;
  } {
    const reserved = this.#allocated + this.#freeBytes;
    return {
      allocated: this.#allocated,
      reserved,
      peakAllocated: this.#peakAllocated,
      peakReserved: this.#peakReserved,
    };
  }

  resetPeaks(): void {
    this.#peakAllocated = this.#allocated;
    this.#peakReserved = this.#allocated + this.#freeBytes;
  }

  /** Gives idle memory back to the garbage collector: shapes have changed, and what is kept exceeds what is used. */
  #dropFree(): void {
    for (const buffers of this.#free.values()) for (const buffer of buffers) this.#uses.delete(buffer);
    this.#free.clear();
    this.#freeBytes = 0;
  }
}

/** Rounds up to an eighth of a power of two, so that lengths which vary a little share their memory. */
function sizeClass(bytes: number): number {
  const step = 2 ** Math.max(6, Math.floor(Math.log2(bytes)) - 3);
  return Math.ceil(bytes / step) * step;
}
