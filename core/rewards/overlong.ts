import { z } from 'zod';
import { ConfigError } from '../errors.js';

export const overlongBufferConfig = z.strictObject({
  enable: z.boolean().default(false).describe('take from the reward of responses that come near the longest'),
  len: z
    .number()
    .int()
    .positive()
    .default(4096)
    .describe('tokens before the longest response over which the penalty grows'),
  penaltyFactor: z.number().min(0).default(1).describe('penalty of a response of the longest length'),
  log: z.boolean().default(false).describe('report the penalty as metrics'),
});
export type OverlongBufferConfig = z.output<typeof overlongBufferConfig>;

/**
 * DAPO (arXiv:2503.14476, section 3.4, eq. 13), soft overlong punishment: 0 up to `maxResponseLength - len` tokens, from there falling
 * linearly to -penaltyFactor at `maxResponseLength`, and no lower beyond; to be added to the reward. Throws ConfigError when the
 * buffer is longer than a response may be.
 */
export function overlongReward(
  { enable, len, penaltyFactor }: OverlongBufferConfig,
  responseLength: number,
  maxResponseLength: number,
): number {
  if (!enable) return 0;
  if (len > maxResponseLength)
    throw new ConfigError(`overlongBuffer.len is ${len}: at most the longest response, ${maxResponseLength} tokens`);
  const exceeded = Math.min(Math.max(responseLength - (maxResponseLength - len), 0), len);
  return exceeded === 0 ? 0 : (-exceeded / len) * penaltyFactor;
}
