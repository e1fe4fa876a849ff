/** How a tensor's values are packed: blocks of equal size, each decoded alone. */
export interface BlockFormat {
  /** As ggml spells it. */
  readonly name: string;
  readonly valuesPerBlock: number;
  readonly bytesPerBlock: number;
  /** Decodes whole blocks from the start of `bytes` until `values` is full, as float32 arithmetic rounds. */
  decode(bytes: Uint8Array, values: Float32Array): void;
}
