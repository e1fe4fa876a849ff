import { z } from 'zod';

/** How jobs travel from who wants a result to the workers. */
export const fabricConfig = z.strictObject({
  name: z
    .enum(['auto', 'bullmq', 'in-process'])
    .default('auto')
    .describe(
      'auto: BullMQ on redisUrl or REDIS_URL, else on a private redis-server if one is installed, else in this process.',
    ),
  redisUrl: z
    .string()
    .regex(/^(rediss?:\/\/|\/)./, 'write redis://host:port, rediss://host:port or the path of a unix socket')
    .optional()
    .describe('The Redis that controller and workers share; REDIS_URL when absent.'),
  namespace: z
    .string()
    .regex(/^[\w.-]{1,100}$/, 'use letters, digits, dots, dashes and underscores')
    .default('verlet')
    .describe('Controllers and workers reach each other when Redis and namespace are the same.'),
  deadlineMs: z
    .int()
    .min(1)
    .max(7 * 24 * 3_600_000)
    .default(3_600_000)
    .describe('Longest time from the submission of an episode to its result, waiting included.'),
  attempts: z
    .int()
    .min(1)
    .max(100)
    .default(3)
    .describe('Times an episode may be started; only failures of infrastructure use one up.'),
  concurrency: z.int().min(1).max(10_000).default(64).describe('Episodes a worker runs at once.'),
});

export type FabricConfig = z.infer<typeof fabricConfig>;
