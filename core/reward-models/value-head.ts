import type { InferOptions, Trainer } from '../types.js';
import { type JudgedEpisode, type Judgement, notJudged, type RewardModel } from './reward-model.js';

export interface ValueHeadOptions extends Pick<InferOptions, 'ppoMaxTokenLenPerGpu'> {
  readonly weight: number;
  /** Holds the reward model. */
  readonly trainer: Pick<Trainer, 'infer'>;
}

/** InstructGPT (arXiv:2203.02155, section 3.5), reward modelling: the score is the head's output at the last token of the last sequence. */
export function valueHeadRewardModel({ weight, trainer, ppoMaxTokenLenPerGpu }: ValueHeadOptions): RewardModel {
  return {
    weight,
    async judge(episodes, signal) {
      const sequences = episodes.map(lastTokenOf);
      const options = { columns: ['rewardScores'], temperature: 1, ppoMaxTokenLenPerGpu } as const;
      const { rewardScores } = await trainer.infer(sequences, options, signal);
      return sequences.map(({ tokens }, i): Judgement => {
        const score = rewardScores?.[i]?.at(-1);
        if (tokens.length === 0 || score === undefined) return notJudged('the episode has no tokens');
        return Number.isFinite(score) ? score : notJudged(`the reward model's score is ${score}`);
      });
    },
  };
}

/** The last sequence, of which only the last token is asked for. */
function lastTokenOf({ trajectory }: JudgedEpisode) {
  const tokens = trajectory.sequences.at(-1)?.tokens ?? [];
  return { tokens, mask: tokens.map((_, t) => (t === tokens.length - 1 ? 1 : 0)) };
}
