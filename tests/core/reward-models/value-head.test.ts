import { describe, expect, it } from 'vitest';
import { valueHeadRewardModel } from '../../../core/reward-models/value-head.js';
import { comparisons, inferScores, rewardModelUpdate } from '../../helpers/comparisons.js';
import { withBackends } from '../../helpers/gradient.js';
import { largestDifference, never, openTinyPolicy } from '../../helpers/tiny-policy.js';
import { exampleGroup, exampleTrajectory } from '../../helpers/trajectories.js';

withBackends(() => {
  describe('a score', () => {
    it('is of the sequence up to and including its token, whatever is scored beside it', async () => {
      using tiny = openTinyPolicy();
      const [sequence, other] = comparisons(1);
      await tiny.trainer.update([sequence!, other!], { ...rewardModelUpdate, lr: 0.1 }, never);
      const mask = sequence!.tokens.map((_, t): 0 | 1 => (t > 1 ? 1 : 0));
      const asked = [{ tokens: sequence!.tokens, mask }, other!];
      const { rewardScores } = await tiny.trainer.infer(asked, inferScores, never);
      const prefixes = sequence!.tokens.map((_, t) => ({
        tokens: sequence!.tokens.slice(0, t + 1),
        mask: Array.from({ length: t + 1 }, (_, i): 0 | 1 => (i === t ? 1 : 0)),
      }));
      const alone = await Promise.all(prefixes.map((prefix) => tiny.trainer.infer([prefix], inferScores, never)));
      const expected = alone.map((one, t) => (mask[t] === 1 ? one.rewardScores![0]!.at(-1)! : 0));
      expect(largestDifference(rewardScores![0]!, expected)).toBeLessThan(1e-5);
      expect(new Set(rewardScores![0]!.slice(2)).size).toBeGreaterThan(1);
    });

    it('comes with other columns as without them', async () => {
      using tiny = openTinyPolicy();
      const sequences = comparisons(2).map((one) => ({ ...one, mask: one.mask.map((_, t): 0 | 1 => (t > 1 ? 1 : 0)) }));
      await tiny.trainer.update(sequences, rewardModelUpdate, never);
      const both = await tiny.trainer.infer(
        sequences,
        { ...inferScores, columns: ['rewardScores', 'logprobs'] },
        never,
      );
      const { rewardScores } = await tiny.trainer.infer(sequences, inferScores, never);
      const { logprobs } = await tiny.trainer.infer(sequences, { ...inferScores, columns: ['logprobs'] }, never);
      expect(both).toEqual({ rewardScores, logprobs });
    });

    it('of an episode is that at the last token of its last sequence', async () => {
      using tiny = openTinyPolicy();
      await tiny.trainer.update(comparisons(1), { ...rewardModelUpdate, lr: 0.1 }, never);
      const [sequence] = exampleTrajectory().sequences;
      const cut = { ...sequence!, tokens: sequence!.tokens.slice(0, 3) };
      const judged = [[sequence!], [cut, sequence!], [sequence!, cut], []].map((sequences) => ({
        task: exampleGroup().task,
        trajectory: exampleTrajectory({ sequences }),
      }));
      const model = valueHeadRewardModel({ weight: 1, trainer: tiny.trainer, ppoMaxTokenLenPerGpu: 128 });
      const [one, last, other, none] = await model.judge(judged, never);
      expect(last).toBeCloseTo(Number(one), 5);
      expect(Math.abs(Number(other) - Number(one))).toBeGreaterThan(1e-3);
      expect(none).toMatchObject({ code: 'reward_model_failed' });
    });
  });
});
