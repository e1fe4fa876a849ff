import { ConfigError } from '../../errors.js';
import type { GgufMetadata } from './metadata.js';

/** Takes the values that a model needs out of a file's metadata; every complaint is a ConfigError naming file and key. */
export class MetadataReader {
  readonly #metadata: GgufMetadata;
  readonly #source: string;

  constructor(metadata: GgufMetadata, source: string) {
    this.#metadata = metadata;
    this.#source = source;
  }

  /** A whole number of at least 1; undefined where the key is missing. */
  findCount(key: string): number | undefined {
    const value = this.#metadata.get(key);
    if (value === undefined) return undefined;
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 1) return value;
    throw this.#wrong(key, 'a whole number of at least 1');
  }

  count(key: string): number {
    return this.findCount(key) ?? this.#missing(key);
  }

  /** A token's number; undefined where the key is missing. */
  findId(key: string): number | undefined {
    const value = this.#metadata.get(key);
    if (value === undefined) return undefined;
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
    throw this.#wrong(key, 'the number of a token');
  }

  /** A positive number, as short as float32 allows (1e-5, not 0.0000099999997); undefined where the key is missing. */
  findPositive(key: string): number | undefined {
    const value = this.#metadata.get(key);
    if (value === undefined) return undefined;
    if (typeof value === 'number' && value > 0 && Number.isFinite(value)) return shortest(value);
    throw this.#wrong(key, 'a positive number');
  }

  positive(key: string): number {
    return this.findPositive(key) ?? this.#missing(key);
  }

  /** A text; undefined where the key is missing. */
  findText(key: string): string | undefined {
    const value = this.#metadata.get(key);
    if (value === undefined || typeof value === 'string') return value;
    throw this.#wrong(key, 'a text');
  }

  #missing(key: string): never {
    throw new ConfigError(`the metadata of ${this.#source} have no ${key}; convert the model again`);
  }

  #wrong(key: string, expected: string): ConfigError {
    const found = String(this.#metadata.get(key)).slice(0, 40);
    return new ConfigError(`${key} of ${this.#source} should be ${expected}, not ${found}`);
  }
}

/** The number with the fewest digits that is the same float32; the number itself where it is no float32. */
function shortest(value: number): number {
  for (let digits = 6; digits < 10; digits++) {
    const candidate = Number(value.toPrecision(digits));
    if (Math.fround(candidate) === value) return candidate;
  }
  return value;
}
