/** How a tensor's values are packed: blocks of equal size, each decoded alone. */
export interface BlockFormat {
  /** As ggml spells it. */
  readonly name: string;
  readonly valuesPerBlock: number;
  readonly bytesPerBlock: number;
  /** Fills `values` from the blocks in `bytes`, which begin at a multiple of 8 in their buffer, as float32 arithmetic rounds. */
  decode(bytes: Uint8Array, values: Float32Array): void;
}
