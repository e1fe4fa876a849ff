import type { ScoredMember } from '../advantages/advantage-estimator.js';
import type { AlgorithmConfig } from '../algorithm-config.js';
import { estimateAdvantages } from '../algorithms.js';
import type { TrajectoryGroup } from '../types.js';
import { type ExperienceRow, estimatorSequence } from './rows.js';

export interface EstimatedRow extends ExperienceRow {
  readonly advantages: readonly number[];
  readonly returns: readonly number[];
}

type Baseline = Pick<AlgorithmConfig, 'advEstimator' | 'baselineIncludesMasked' | 'baselineIncludesFailed'>;

/** The rows with their advantages, in the rows' order. */
export function estimateRows(
  groups: readonly TrajectoryGroup[],
  rows: readonly ExperienceRow[],
  algorithm: Baseline,
): EstimatedRow[] {
  const slots = groups.map((group, g) =>
    slotsOf(
      group,
      rows.filter((row) => row.group === g),
      algorithm,
    ),
  );
  const estimates = estimateAdvantages(
    algorithm.advEstimator,
    slots.map((group) => group.map(({ member }) => member)),
  );
  const estimated = new Map<ExperienceRow, EstimatedRow>();
  for (const [g, group] of slots.entries()) {
    for (const [m, slot] of group.entries()) {
      for (const [s, row] of slot.rows.entries()) {
        const estimate = estimates[g]?.[m]?.[s];
        if (estimate !== undefined) estimated.set(row, { ...row, ...estimate });
      }
    }
  }
  return rows.map((row) => estimated.get(row) ?? { ...row, ...nothingToLearn(row) });
}

interface Slot {
  readonly member: ScoredMember;
  readonly rows: readonly ExperienceRow[];
}

/** Who counts in a group's baseline, in the outcomes' order. */
function slotsOf(group: TrajectoryGroup, rows: readonly ExperienceRow[], baseline: Baseline): Slot[] {
  return group.outcomes.flatMap((outcome, index): Slot[] => {
    if (outcome.status === 'failed' && baseline.baselineIncludesFailed) {
      return [{ member: { reward: 0, rewardParts: {}, sequences: [] }, rows: [] }];
    }
    if (outcome.status !== 'scored') return [];
    const own = rows.filter(({ member }) => member === index);
    const isMasked = own.every(({ mask }) => !mask.includes(1));
    if (isMasked && !baseline.baselineIncludesMasked) return [];
    const { reward, isOffPolicy = false } = outcome.trajectory;
    const member: ScoredMember = {
      reward: own.reduce((sum, { rewards }) => sum + rewards.reduce((a, b) => a + b, 0), 0),
      rewardParts: reward.parts,
      sequences: own.map(estimatorSequence),
      isOffPolicy,
      ...(group.greedyReward !== undefined && { greedyReward: group.greedyReward }),
    };
    return [{ member, rows: own }];
  });
}

function nothingToLearn({ mask }: ExperienceRow): Pick<EstimatedRow, 'advantages' | 'returns'> {
  const zeros = mask.map(() => 0);
  return { advantages: zeros, returns: zeros };
}
