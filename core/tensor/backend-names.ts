/** What a config may name as `backend`; kept apart from the backends themselves, which cost a second to load. */
export const backendNames = ['auto', 'native', 'node-gpu', 'node', 'wasm', 'cpu'] as const;
/** What matrix products of backend `native` take in; they sum in float32. */
export const matmulPrecisions = ['float32', 'bfloat16'] as const;
export type MatmulPrecision = (typeof matmulPrecisions)[number];
export type BackendName = (typeof backendNames)[number];
