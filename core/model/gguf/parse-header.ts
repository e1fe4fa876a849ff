import { GGUFValueType } from '@huggingface/gguf';
import { ConfigError } from '../../errors.js';
import { HeaderCursor } from './header-cursor.js';
import type { GgufMetadata, GgufScalar, GgufValue } from './metadata.js';

/** A tensor as the header describes it, unchecked against the file. */
export interface TensorInfo {
  readonly name: string;
  /** As the file has it: the axis whose values are neighbours comes first. */
  readonly dimensions: readonly bigint[];
  readonly type: number;
  /** From where the values begin. */
  readonly offset: bigint;
}

/** What stands before the values. */
export interface GgufHeader {
  readonly metadata: GgufMetadata;
  readonly tensors: readonly TensorInfo[];
  /** Bytes up to the end of the last tensor's description. */
  readonly sizeBytes: number;
}

/** Far above any model's; each bounds memory that a small or damaged file could otherwise ask for. */
const MAX_KEYS = 65_536;
const MAX_TENSORS = 65_536;
const MAX_NAME_BYTES = 1024;
const MAX_ARRAY_VALUES = 4_000_000;
const MAX_DIMENSIONS = 4;

/**
 * The header of a GGUF file of version 2 or 3, from its first bytes. Throws HeaderEnd when they end before the header does and ConfigError,
 * naming `source`, when they are no such header.
 *
 * The parser of @huggingface/gguf is not used for this: a file of 24 bytes makes it take hundreds of megabytes (it reads zeros behind the
 * file's end), and it drops byte order marks at the start of strings, of which Gemma's vocabulary has some.
 */
export function parseHeader(bytes: Buffer, source: string): GgufHeader {
  return new HeaderParser(bytes, source).parse();
}

class HeaderParser {
  readonly #cursor: HeaderCursor;
  readonly #source: string;
  #arrayValues = 0;

  constructor(bytes: Buffer, source: string) {
    this.#cursor = new HeaderCursor(bytes);
    this.#source = source;
  }

  parse(): GgufHeader {
    this.#checkVersion();
    const tensorCount = this.#count(this.#cursor.uint64(), MAX_TENSORS, 'tensors');
    const keyCount = this.#count(this.#cursor.uint64(), MAX_KEYS, 'metadata keys');
    const metadata = this.#metadata(keyCount);
    const tensors = this.#tensors(tensorCount);
    return { metadata, tensors, sizeBytes: this.#cursor.position };
  }

  #checkVersion(): void {
    if (this.#cursor.utf8(4) !== 'GGUF') throw this.#corrupt('it does not begin with GGUF');
    const version = this.#cursor.uint32();
    if (version === 2 || version === 3) return;
    const isBigEndian = version !== 0 && (version & 0xffff) === 0;
    throw this.#corrupt(
      isBigEndian ? 'it is big endian; convert it to little endian' : `its version is ${version}, not 2 or 3`,
    );
  }

  #metadata(count: number): Map<string, GgufValue> {
    const metadata = new Map<string, GgufValue>();
    for (let i = 0; i < count; i++) {
      const key = this.#name('a key');
      if (metadata.has(key)) throw this.#corrupt(`the key ${key} stands in it twice`);
      metadata.set(key, this.#value(key));
    }
    return metadata;
  }

  #tensors(count: number): TensorInfo[] {
    const names = new Set<string>();
    const tensors: TensorInfo[] = [];
    for (let i = 0; i < count; i++) {
      const name = this.#name('the name of a tensor');
      if (names.has(name)) throw this.#corrupt(`the tensor ${name} stands in it twice`);
      names.add(name);
      const rank = this.#cursor.uint32();
      if (rank < 1 || rank > MAX_DIMENSIONS) throw this.#corrupt(`the tensor ${name} has ${rank} dimensions`);
      const dimensions = Array.from({ length: rank }, () => this.#cursor.uint64());
      tensors.push({ name, dimensions, type: this.#cursor.uint32(), offset: this.#cursor.uint64() });
    }
    return tensors;
  }

  #value(key: string): GgufValue {
    const type = this.#cursor.uint32();
    if (type !== GGUFValueType.ARRAY) return this.#scalar(type, key);
    const elementType = this.#cursor.uint32();
    if (elementType === GGUFValueType.ARRAY) throw this.#corrupt(`the value of ${key} is an array of arrays`);
    const length = this.#count(this.#cursor.uint64(), MAX_ARRAY_VALUES - this.#arrayValues, `values in ${key}`);
    this.#arrayValues += length;
    const values: GgufScalar[] = [];
    for (let i = 0; i < length; i++) values.push(this.#scalar(elementType, key));
    return values;
  }

  #scalar(type: number, key: string): GgufScalar {
    switch (type) {
      case GGUFValueType.UINT8:
        return this.#cursor.uint8();
      case GGUFValueType.INT8:
        return this.#cursor.int8();
      case GGUFValueType.UINT16:
        return this.#cursor.uint16();
      case GGUFValueType.INT16:
        return this.#cursor.int16();
      case GGUFValueType.UINT32:
        return this.#cursor.uint32();
      case GGUFValueType.INT32:
        return this.#cursor.int32();
      case GGUFValueType.FLOAT32:
        return this.#cursor.float32();
      case GGUFValueType.BOOL:
        return this.#cursor.uint8() !== 0;
      case GGUFValueType.STRING:
        return this.#cursor.utf8(this.#count(this.#cursor.uint64(), 2 ** 31, `bytes in ${key}`));
      case GGUFValueType.UINT64:
        return numberIfSafe(this.#cursor.uint64());
      case GGUFValueType.INT64:
        return numberIfSafe(this.#cursor.int64());
      case GGUFValueType.FLOAT64:
        return this.#cursor.float64();
      default:
        throw this.#corrupt(`the value of ${key} has the unknown type ${type}`);
    }
  }

  #name(what: string): string {
    return this.#cursor.utf8(this.#count(this.#cursor.uint64(), MAX_NAME_BYTES, `bytes in ${what}`));
  }

  #count(value: bigint, limit: number, what: string): number {
    if (value > BigInt(limit)) throw this.#corrupt(`it claims to have ${value} ${what}, more than ${limit}`);
    return Number(value);
  }

  #corrupt(why: string): ConfigError {
    return new ConfigError(`${this.#source} is not a usable GGUF file: ${why}`);
  }
}

function numberIfSafe(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}
