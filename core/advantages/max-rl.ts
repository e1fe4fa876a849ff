import { z } from 'zod';
import type { AdvantageEstimator } from './advantage-estimator.js';
import { broadcast } from './broadcast.js';
import { mean } from './group-statistics.js';

export const maxRlSettings = z.strictObject({ name: z.literal('max_rl') });

/**
 * MaxRL (arXiv:2602.02710), the estimator of maximum likelihood with a baseline: A = (R - mean) / mean within the group, on every
 * sampled token; 0 throughout a group without success. For rewards 0 and 1, K successes of n weigh n/K - 1 each and failures -1; the
 * gradient they estimate is that of log p = -sum over k of (1 - p)^k / k, up to k = n - 1.
 * Rewards between are shares of a success. A negative reward, which no likelihood has, counts as 0: a failure like any other.
 * Every advantage lies in [-1, n - 1]; a group of one has advantage 0. No epsilon is added to the mean.
 */
export const maxRl: AdvantageEstimator<z.output<typeof maxRlSettings>> = (groups) =>
  groups.map((members) => {
    const successes = members.map(({ reward }) => Math.max(0, reward));
    const rate = mean(successes);
    return members.map((member, m) => broadcast(member, rate > 0 ? ((successes[m] ?? 0) - rate) / rate : 0));
  });
