/** What a config may name as `backend`; kept apart from the backends themselves, which cost a second to load. */
export const backendNames = ['auto', 'native', 'node-gpu', 'node', 'wasm', 'cpu'] as const;
export type BackendName = (typeof backendNames)[number];
