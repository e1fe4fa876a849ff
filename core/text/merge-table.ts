/** What a pair is set to that does not merge after all. */
export const noMerge = { rank: -1, result: -1 } as const;

/** What two neighbouring tokens merge to, and how early; -1 in both where they do not. */
export class MergeTable {
  readonly #mask: number;
  /** Four numbers an entry: left, right, rank, result; left is -1 where the entry is free. */
  readonly #entries: Int32Array;

  /** Room for `capacity` pairs. */
  constructor(capacity: number) {
    const size = 2 ** Math.ceil(Math.log2(Math.max(capacity, 1) * 2));
    this.#mask = size - 1;
    this.#entries = new Int32Array(size * 4).fill(-1);
  }

  /** Replaces what was set before for the same pair. */
  set(left: number, right: number, merge: { readonly rank: number; readonly result: number }): void {
    const entries = this.#entries;
    const at = this.#find(left, right);
    entries[at] = left;
    entries[at + 1] = right;
    entries[at + 2] = merge.rank;
    entries[at + 3] = merge.result;
  }

  /** Position of a merge in the order of merging: the smaller comes first. */
  rank(left: number, right: number): number {
    return this.#entries[this.#find(left, right) + 2] ?? -1;
  }

  result(left: number, right: number): number {
    return this.#entries[this.#find(left, right) + 3] ?? -1;
  }

  /** Where the pair stands, or the free place where it would. */
  #find(left: number, right: number): number {
    const entries = this.#entries;
    let hash = Math.imul(left, 0x9e3779b1) ^ Math.imul(right, 0x85ebca6b);
    hash ^= hash >>> 15;
    for (let slot = hash & this.#mask; ; slot = (slot + 1) & this.#mask) {
      const at = slot * 4;
      const taken = entries[at];
      if (taken === -1 || (taken === left && entries[at + 1] === right)) return at;
    }
  }
}
