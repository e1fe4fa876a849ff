/** A small GGUF file by its parts, each of which a test may make wrong. */
export interface GgufParts {
  readonly magic?: string;
  readonly version?: number;
  readonly tensorCount?: bigint;
  readonly keyCount?: bigint;
  /** Made by `entry`. */
  readonly entries?: readonly Buffer[];
  /** Made by `tensorInfo`. */
  readonly infos?: readonly Buffer[];
  readonly data?: Buffer;
}

/** The file's bytes; counts are right where they are not given, values begin at a multiple of 32. */
export function ggufBytes({ magic = 'GGUF', version = 3, entries = [], infos = [], ...parts }: GgufParts): Buffer {
  const header = Buffer.concat([
    Buffer.from(magic),
    u32(version),
    u64(parts.tensorCount ?? BigInt(infos.length)),
    u64(parts.keyCount ?? BigInt(entries.length)),
    ...entries,
    ...infos,
  ]);
  return Buffer.concat([header, Buffer.alloc((32 - (header.length % 32)) % 32), parts.data ?? Buffer.alloc(0)]);
}

/** A metadata entry: value type by its number (4 uint32, 8 string, 9 array), then the value's bytes. */
export function entry(key: string, type: number, value: Buffer): Buffer {
  return Buffer.concat([text(key), u32(type), value]);
}

/** A tensor's description; F32 at the start of the values where nothing else is said. */
export function tensorInfo(name: string, dimensions: readonly bigint[], { type = 0, offset = 0n } = {}): Buffer {
  return Buffer.concat([text(name), u32(dimensions.length), ...dimensions.map(u64), u32(type), u64(offset)]);
}

/** Length and bytes. */
export function text(value: string): Buffer {
  return Buffer.concat([u64(BigInt(Buffer.byteLength(value))), Buffer.from(value)]);
}

/** Four bytes, little endian. */
export function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

/** Eight bytes, little endian. */
export function u64(value: bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(value);
  return bytes;
}
