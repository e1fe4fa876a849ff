/** Products that are timed: tf.matMul of [M, K] and [K, N], and Linear of x [M, K] and weight [N, K]. */
export const gemmOps = ['matMul', 'Linear'] as const;
export type GemmOp = (typeof gemmOps)[number];
