import { expect, test } from 'vitest';
import { grpo } from '../../../core/advantages/grpo.js';
import { luffy } from '../../../core/advantages/luffy.js';
import { memberAdvantages } from '../../helpers/estimated.js';
import { scoredMember } from '../../helpers/scored-members.js';

const settings = { name: 'luffy' } as const;

test("an expert's trace lowers what the policy's failures are worth", () => {
  // mean of 1, 0, 0, 0 is 1/4
  const members = [scoredMember(1, [[1]], { isOffPolicy: true }), ...[0, 0, 0].map((reward) => scoredMember(reward))];
  expect(memberAdvantages(luffy([members], settings))).toEqual([[0.75, -0.25, -0.25, -0.25]]);
});

test('it is GRPO without the deviation', () => {
  const groups = [[2, 5, 3], [1], []].map((rewards) => rewards.map((reward) => scoredMember(reward)));
  expect(luffy(groups, settings)).toEqual(grpo(groups, { name: 'grpo', normAdvByStdInGrpo: false }));
});
