import * as tf from '@tensorflow/tfjs-core';
import { readValues } from '../tensor/read-values.js';
import type { ModelConfig } from './config.js';
import type { Attend } from './decoder.js';

/** Keys and values of one sequence; grows with it. Lives in JavaScript memory: nothing to dispose. */
export class KvCache {
  readonly #config: ModelConfig;
  /** Per layer: [capacity, Hkv, D] float32. */
  #keys: Float32Array[];
  #values: Float32Array[];
  #capacity: number;
  #length = 0;

  constructor(config: ModelConfig, capacity: number) {
    this.#config = config;
    this.#capacity = capacity;
    const empty = () => Array.from({ length: config.numHiddenLayers }, () => new Float32Array(capacity * this.#width));
    this.#keys = empty();
    this.#values = empty();
  }

  /** Positions filled in every layer. */
  get length(): number {
    return this.#length;
  }

  /** Call once all layers have appended a pass of `count` tokens. */
  advance(count: number): void {
    this.#length += count;
  }

  /** Writes one layer's [count, Hkv, D] behind the filled positions. */
  append(layer: number, keys: Float32Array, values: Float32Array): void {
    this.#reserve(this.#length + keys.length / this.#width);
    this.#keys[layer]?.set(keys, this.#length * this.#width);
    this.#values[layer]?.set(values, this.#length * this.#width);
  }

  /**
   * Attention of one new token whose key and value were just appended, over everything up to itself.
   * @param query [H, D]
   * @param out [H, D], overwritten
   */
  attend(layer: number, query: Float32Array, out: Float32Array): void {
    const keys = this.#keys[layer];
    const values = this.#values[layer];
    if (keys === undefined || values === undefined) throw new RangeError(`no layer ${layer} in the cache`);
    const { numAttentionHeads, numKeyValueHeads, headDim } = this.#config;
    const count = this.#length + 1;
    const weights = new Float64Array(count);
    for (let head = 0; head < numAttentionHeads; head++) {
      const kvOffset = Math.floor((head * numKeyValueHeads) / numAttentionHeads) * headDim;
      softmaxScores(
        query.subarray(head * headDim, (head + 1) * headDim),
        keys,
        { kvOffset, stride: this.#width },
        weights,
      );
      mixValues(values, { kvOffset, stride: this.#width }, weights, out.subarray(head * headDim, (head + 1) * headDim));
    }
  }

  get #width(): number {
    return this.#config.numKeyValueHeads * this.#config.headDim;
  }

  #reserve(length: number): void {
    if (length <= this.#capacity) return;
    this.#capacity = Math.max(length, this.#capacity * 2);
    const grow = (old: Float32Array) => {
      const larger = new Float32Array(this.#capacity * this.#width);
      larger.set(old);
      return larger;
    };
    this.#keys = this.#keys.map(grow);
    this.#values = this.#values.map(grow);
  }
}

/**
 * Attention of a decode step: row i is the next token of sequence i. Reads and writes tensors synchronously, which on the
 * backends that compute in this process's memory (cpu, wasm) waits for nothing.
 */
export function attendToCaches(caches: readonly KvCache[]): Attend {
  return (layer, q, k, v) => {
    const queries = readValues(q);
    const keys = readValues(k);
    const values = readValues(v);
    const out = new Float32Array(queries.length);
    const rowSize = queries.length / caches.length;
    const kvSize = keys.length / caches.length;
    caches.forEach((cache, i) => {
      cache.append(layer, keys.subarray(i * kvSize, (i + 1) * kvSize), values.subarray(i * kvSize, (i + 1) * kvSize));
      cache.attend(
        layer,
        queries.subarray(i * rowSize, (i + 1) * rowSize),
        out.subarray(i * rowSize, (i + 1) * rowSize),
      );
    });
    return tf.tensor3d(out, q.shape);
  };
}

/**
 * Wraps the attention of a prefill pass ([B, T] padded on the right): each sequence's own keys and values go to its cache.
 * @param lengths tokens of each sequence, without padding
 */
export function recordInto(caches: readonly KvCache[], lengths: readonly number[], attend: Attend): Attend {
  return (layer, q, k, v) => {
    const keys = readValues(k);
    const values = readValues(v);
    const perSequence = keys.length / caches.length;
    const perToken = k.shape[1] * k.shape[2];
    caches.forEach((cache, i) => {
      const start = i * perSequence;
      const end = start + (lengths[i] ?? 0) * perToken;
      cache.append(layer, keys.subarray(start, end), values.subarray(start, end));
    });
    return attend(layer, q, k, v);
  };
}

interface Layout {
  /** Where the head's numbers start within a position. */
  readonly kvOffset: number;
  /** Numbers from one position to the next. */
  readonly stride: number;
}

/** Fills `weights` with softmax(q·k / sqrt(D)), one a cached position. */
function softmaxScores(
  query: Float32Array,
  keys: Float32Array,
  { kvOffset, stride }: Layout,
  weights: Float64Array,
): void {
  const headDim = query.length;
  const scale = 1 / Math.sqrt(headDim);
  let max = Number.NEGATIVE_INFINITY;
  for (let position = 0; position < weights.length; position++) {
    const offset = position * stride + kvOffset;
    let dot = 0;
    for (let i = 0; i < headDim; i++) dot += (query[i] ?? 0) * (keys[offset + i] ?? 0);
    weights[position] = dot * scale;
    if (dot * scale > max) max = dot * scale;
  }
  let total = 0;
  for (let position = 0; position < weights.length; position++) {
    const weight = Math.exp((weights[position] ?? 0) - max);
    weights[position] = weight;
    total += weight;
  }
  for (let position = 0; position < weights.length; position++) weights[position] = (weights[position] ?? 0) / total;
}

function mixValues(values: Float32Array, { kvOffset, stride }: Layout, weights: Float64Array, out: Float32Array): void {
  out.fill(0);
  for (let position = 0; position < weights.length; position++) {
    const offset = position * stride + kvOffset;
    const weight = weights[position] ?? 0;
    for (let i = 0; i < out.length; i++) out[i] = (out[i] ?? 0) + weight * (values[offset + i] ?? 0);
  }
}
