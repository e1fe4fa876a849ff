/** One value of a GGUF file's metadata; 64-bit integers are bigint only where a number cannot hold them. */
export type GgufScalar = string | number | bigint | boolean;

/** A value of a GGUF file's metadata. */
export type GgufValue = GgufScalar | readonly GgufScalar[];

/** What a GGUF file says of itself, by key. */
export type GgufMetadata = ReadonlyMap<string, GgufValue>;

/** A key with its value and the type it is written as. */
export type GgufPair = { readonly key: string } & (
  | { readonly type: 'uint32' | 'int32' | 'float32'; readonly value: number }
  | { readonly type: 'bool'; readonly value: boolean }
  | { readonly type: 'string'; readonly value: string }
  | { readonly type: 'array'; readonly of: 'uint32' | 'int32' | 'float32'; readonly value: readonly number[] }
  | { readonly type: 'array'; readonly of: 'string'; readonly value: readonly string[] }
);
