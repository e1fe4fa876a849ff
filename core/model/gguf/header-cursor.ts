/** Thrown, and caught by who gave the bytes, when a header goes on behind the bytes read so far. */
export class HeaderEnd extends Error {
  override readonly name = 'HeaderEnd';
}

/** Reads little endian numbers and strings one after the other; throws HeaderEnd rather than read behind the end. */
export class HeaderCursor {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get position(): number {
    return this.#at;
  }

  uint8(): number {
    return this.#bytes.readUInt8(this.#take(1));
  }

  int8(): number {
    return this.#bytes.readInt8(this.#take(1));
  }

  uint16(): number {
    return this.#bytes.readUInt16LE(this.#take(2));
  }

  int16(): number {
    return this.#bytes.readInt16LE(this.#take(2));
  }

  uint32(): number {
    return this.#bytes.readUInt32LE(this.#take(4));
  }

  int32(): number {
    return this.#bytes.readInt32LE(this.#take(4));
  }

  uint64(): bigint {
    return this.#bytes.readBigUInt64LE(this.#take(8));
  }

  int64(): bigint {
    return this.#bytes.readBigInt64LE(this.#take(8));
  }

  float32(): number {
    return this.#bytes.readFloatLE(this.#take(4));
  }

  float64(): number {
    return this.#bytes.readDoubleLE(this.#take(8));
  }

  /** What is not UTF-8 becomes U+FFFD; a byte order mark is a character like others. */
  utf8(sizeBytes: number): string {
    const start = this.#take(sizeBytes);
    return this.#bytes.toString('utf8', start, start + sizeBytes);
  }

  #take(sizeBytes: number): number {
    const start = this.#at;
    if (start + sizeBytes > this.#bytes.length) throw new HeaderEnd();
    this.#at = start + sizeBytes;
    return start;
  }
}
