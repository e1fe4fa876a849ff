import { assert } from '../errors.js';

/** Sizes of the model whose keys and values are kept. */
export interface KvShape {
  readonly numHiddenLayers: number;
  readonly numKeyValueHeads: number;
  readonly headDim: number;
}

/** Positions a page holds; page i of a sequence holds its positions from 64 i. */
export const pageLength = 64;

/**
 * Keys and values of running sequences in pages of 64 positions, in memory of this process. A page is a number; slabs of pages are
 * added as they are needed and stay for the next sequences. Within the arrays of a slab and layer, page p and key head h begin at
 * (p Hkv + h) D 64; there keys lie as [D, 64] and values as [64, D]. What a page held before is still in it.
 */
export class KvPages {
  readonly shape: KvShape;
  readonly pagesPerSlab: number;
  /** By layer, then by slab: [pagesPerSlab, Hkv, D, 64] float32. */
  readonly keys: readonly Float32Array[][];
  /** By layer, then by slab: [pagesPerSlab, Hkv, 64, D] float32. */
  readonly values: readonly Float32Array[][];
  readonly #free: number[] = [];
  readonly #used = new Set<number>();

  constructor(shape: KvShape, pagesPerSlab = 64) {
    this.shape = shape;
    this.pagesPerSlab = pagesPerSlab;
    const layers = (): Float32Array[][] => Array.from({ length: shape.numHiddenLayers }, () => []);
    this.keys = layers();
    this.values = layers();
  }

  /** Pages that belong to a sequence. */
  get used(): number {
    return this.#used.size;
  }

  /** The number of a page that is nobody's. */
  alloc(): number {
    if (this.#free.length === 0) this.#addSlab();
    const page = this.#free.pop();
    assert(page !== undefined, 'a new slab has no page');
    this.#used.add(page);
    return page;
  }

  /** Gives a page back; throws when it is nobody's. */
  free(page: number): void {
    assert(this.#used.delete(page), `page ${page} is not in use`);
    this.#free.push(page);
  }

  /** Numbers of one page and key head: what lies between two of them in a slab. */
  get headSize(): number {
    return this.shape.headDim * pageLength;
  }

  #addSlab(): void {
    const first = (this.keys[0]?.length ?? 0) * this.pagesPerSlab;
    const size = this.pagesPerSlab * this.shape.numKeyValueHeads * this.headSize;
    for (const slabs of [...this.keys, ...this.values]) slabs.push(new Float32Array(size));
    for (let page = this.pagesPerSlab - 1; page >= 0; page--) this.#free.push(first + page);
  }
}
