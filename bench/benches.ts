import type { Bench } from './bench.js';
import { gemm } from './gemm.js';
import { train } from './train.js';

/** All comparisons, in the order of the page. */
export const benches: readonly Bench[] = [gemm, train];
