import { expect, test } from 'vitest';
import { overlongBufferConfig, overlongReward } from '../../../core/rewards/overlong.js';

const config = overlongBufferConfig.parse({ enable: true });

test.each([
  [0, 0],
  [16384, 0],
  [18432, -0.5],
  [20480, -1],
  [30000, -1],
])('of 20480 tokens at most, %i cost %f', (length, expected) => {
  expect(overlongReward(config, length, 20480)).toBe(expected);
});

test('the factor scales the penalty', () => {
  expect(overlongReward({ ...config, penaltyFactor: 3 }, 18432, 20480)).toBe(-1.5);
});

test('switched off it costs nothing', () => {
  expect(overlongReward(overlongBufferConfig.parse({}), 20480, 20480)).toBe(0);
});

test('a buffer longer than any response is a mistake of the config', () => {
  expect(() => overlongReward(config, 5, 100)).toThrow('overlongBuffer.len is 4096: at most the longest response, 100');
});
