/** What is known of a buffer that tensors lie in. */
interface Use {
  tensors: number;
  /** Made by the pool: may be handed out again. */
  readonly isOwn: boolean;
  /** Where in the buffer a tensor of ours begins. */
  readonly byteOffset: number;
}

export interface ArrayPoolOptions {
  /** Makes every array anew and exactly as long as it is asked for, so that a sanitizer sees what goes beyond its end. */
  readonly isExact?: boolean;
  /** Fills every array with NaN before it is handed out, so that a kernel which leaves something unwritten, or reads what was freed, shows. */
  readonly isPoisoned?: boolean;
  /** Is given the whole of every large buffer that is made, before its first use; returns how many bytes behind a page's start it begins. */
  readonly prepare?: (values: Float32Array) => number;
}

/** Shorter arrays are cheaper to make than to keep. */
const smallest = 256;
/** Bytes from which a buffer is worth preparing and placing. */
const large = 2 ** 16;
const pageBytes = 4096;
const lineBytes = 64;
/** Lines of the cache from one large array's place in its page to the next one's. */
const linesApart = 5;
/** Idle memory is let go when, with it, more is held than this many times the most that tensors ever took. */
const slack = 1.25;
/** Size classes to look through for an idle buffer: those above waste up to a fifth, but lengths that vary then find one. */
const classesToTry = 3;

/**
 * Float32Arrays that are handed out again after use instead of being zeroed and paged in anew (first touch is what fresh memory costs).
 * Counts the tensors on every buffer, because tfjs lets slices share their parent's; a buffer is free when none is left.
 */
export class ArrayPool {
  readonly #isExact: boolean;
  readonly #isPoisoned: boolean;
  readonly #prepare: (values: Float32Array) => number;
  readonly #uses = new Map<ArrayBufferLike, Use>();
  /** By size; the longest idle first, in the lists and among them. */
  readonly #free = new Map<number, ArrayBuffer[]>();
  #allocated = 0;
  #freeBytes = 0;
  /** Never reset, unlike the peaks. */
  #most = 0;
  #peakAllocated = 0;
  #peakReserved = 0;
  /** Large buffers made so far. */
  #placed = 0;

  constructor({ isExact = false, isPoisoned = false, prepare = () => 0 }: ArrayPoolOptions = {}) {
    this.#isExact = isExact;
    this.#isPoisoned = isPoisoned;
    this.#prepare = prepare;
  }

  /** An array of arbitrary contents, to be given to `retain` next. */
  take(length: number): Float32Array {
    const buffer = this.#buffer(4 * length);
    const values = new Float32Array(buffer, this.#uses.get(buffer)?.byteOffset ?? 0, length);
    return this.#isPoisoned ? values.fill(Number.NaN) : values;
  }

  /** One more tensor lies in the array's buffer. */
  retain(values: unknown): void {
    if (!ArrayBuffer.isView(values)) return;
    const use = this.#uses.get(values.buffer) ?? { tensors: 0, isOwn: false, byteOffset: 0 };
    this.#uses.set(values.buffer, use);
    use.tensors += 1;
    if (use.tensors > 1) return;
    this.#allocated += values.buffer.byteLength;
    this.#most = Math.max(this.#most, this.#allocated);
    this.#peakAllocated = Math.max(this.#peakAllocated, this.#allocated);
    this.#peakReserved = Math.max(this.#peakReserved, this.#allocated + this.#freeBytes);
  }

  /** One tensor less. */
  release(values: unknown): void {
    if (!ArrayBuffer.isView(values)) return;
    const { buffer } = values;
    const use = this.#uses.get(buffer);
    if (use === undefined || use.tensors === 0) return;
    use.tensors -= 1;
    if (use.tensors > 0) return;
    this.#allocated -= buffer.byteLength;
    if (use.isOwn && buffer instanceof ArrayBuffer && this.#isKept(buffer.byteLength)) this.#keep(buffer);
    else this.#uses.delete(buffer);
  }

  /** True for an array whose memory will be handed out again or changed in place: what must outlive its tensor has to be copied. */
  isOwn(values: unknown): boolean {
    return ArrayBuffer.isView(values) && this.#uses.get(values.buffer)?.isOwn === true;
  }

  /** True for an array that only one tensor lies in, and that nobody outside knows. */
  isSole(values: unknown): boolean {
    if (!ArrayBuffer.isView(values)) return false;
    const use = this.#uses.get(values.buffer);
    return use?.isOwn === true && use.tensors === 1;
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

  /** Counts what was measured before `resetPeaks` too. */
  raisePeaks({ allocated, reserved }: { readonly allocated: number; readonly reserved: number }): void {
    this.#peakAllocated = Math.max(this.#peakAllocated, allocated);
    this.#peakReserved = Math.max(this.#peakReserved, reserved);
  }

  #isKept(bytes: number): boolean {
    return !this.#isExact && bytes >= 4 * smallest;
  }

  #buffer(bytes: number): ArrayBuffer {
    if (!this.#isKept(bytes)) return this.#fresh(bytes);
    let size = sizeClass(bytes);
    const wanted = withRoom(size);
    for (let i = 0; i < classesToTry; i++, size = sizeClass(size + 1)) {
      const buffer = this.#takeFree(withRoom(size));
      if (buffer !== undefined) return buffer;
    }
    this.#makeRoom(wanted);
    return this.#fresh(wanted);
  }

  #fresh(bytes: number): ArrayBuffer {
    const buffer = new ArrayBuffer(bytes);
    const byteOffset = bytes > large && !this.#isExact ? this.#place(buffer) : 0;
    this.#uses.set(buffer, { tensors: 0, isOwn: true, byteOffset });
    return buffer;
  }

  /**
   * Where to begin in a large buffer: at a line of the cache, for vectors that cross two cost twice, and each time at another place in the
   * page, for arrays that all begin at the same one get in each other's way when they are read and written together.
   */
  #place(buffer: ArrayBuffer): number {
    const begin = this.#prepare(new Float32Array(buffer));
    const wanted = (linesApart * lineBytes * this.#placed++) % pageBytes;
    return (wanted - begin + pageBytes) % pageBytes;
  }

  /** The one used last: the most of it is still in the caches. */
  #takeFree(size: number): ArrayBuffer | undefined {
    const waiting = this.#free.get(size);
    const buffer = waiting?.pop();
    if (buffer === undefined) return undefined;
    if (waiting?.length === 0) this.#free.delete(size);
    this.#freeBytes -= size;
    return buffer;
  }

  #keep(buffer: ArrayBuffer): void {
    const size = buffer.byteLength;
    const waiting = this.#free.get(size) ?? [];
    waiting.push(buffer);
    this.#free.delete(size);
    this.#free.set(size, waiting);
    this.#freeBytes += size;
  }

  /** Gives idle memory back to the garbage collector, sizes not used for longest first, before more is taken than is ever needed at once. */
  #makeRoom(bytes: number): void {
    const limit = slack * Math.max(this.#most, this.#allocated + bytes);
    for (const [size, waiting] of this.#free) {
      while (this.#allocated + this.#freeBytes + bytes > limit && waiting.length > 0) {
        const buffer = waiting.shift();
        if (buffer !== undefined) this.#uses.delete(buffer);
        this.#freeBytes -= size;
      }
      if (waiting.length > 0) return;
      this.#free.delete(size);
    }
  }
}

/** Bytes of the buffer for arrays of a size class: a large one has room to be placed. */
function withRoom(size: number): number {
  return size >= large ? size + pageBytes : size;
}

/** Rounds up to an eighth of a power of two, so that lengths which vary a little share their memory. */
function sizeClass(bytes: number): number {
  const step = 2 ** Math.max(6, Math.floor(Math.log2(bytes)) - 3);
  return Math.ceil(bytes / step) * step;
}
