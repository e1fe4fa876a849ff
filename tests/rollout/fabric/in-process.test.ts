import { expect, test } from 'vitest';
import { InProcessFabric } from '../../../rollout/fabric/in-process.js';
import { Remembered } from '../../../rollout/fabric/remembered.js';
import { describeJobFabric } from './conformance.js';

describeJobFabric('in-process fabric', async () => new InProcessFabric({ backoffMs: 5 }));

test('remembered results are forgotten oldest first once they grow past the bound', () => {
  const remembered = new Remembered(10);
  remembered.set('a', '12345');
  remembered.set('b', '12345');
  remembered.set('c', '1');
  expect([remembered.get('a'), remembered.get('b'), remembered.get('c')]).toEqual([undefined, '12345', '1']);
});
