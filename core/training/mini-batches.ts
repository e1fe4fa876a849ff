import type { ChosenPolicyLoss } from '../algorithms.js';
import { Rng, rngKey } from '../rng.js';
import { shuffled } from '../shuffled.js';
import type { OptimizerPasses, TrainSequence } from '../types.js';

/** What an update goes through: in each epoch all sequences, so many an optimizer step. */
export function* miniBatches(
  sequences: readonly TrainSequence[],
  { ppoEpochs, ppoMiniBatchSize, shuffle, seed }: OptimizerPasses,
  { keepsGroups = false }: Pick<ChosenPolicyLoss, 'keepsGroups'> = {},
): Iterable<TrainSequence[]> {
  const units = keepsGroups ? groupsOf(sequences) : sequences.map((sequence) => [sequence]);
  for (let epoch = 0; epoch < ppoEpochs; epoch++) {
    const order = shuffle ? shuffled(units, new Rng(rngKey(seed, 'shuffle', epoch))) : units;
    let miniBatch: TrainSequence[] = [];
    for (const unit of order) {
      if (miniBatch.length > 0 && miniBatch.length + unit.length > ppoMiniBatchSize) {
        yield miniBatch;
        miniBatch = [];
      }
      miniBatch.push(...unit);
    }
    if (miniBatch.length > 0) yield miniBatch;
  }
}

function groupsOf(sequences: readonly TrainSequence[]): TrainSequence[][] {
  const groups = new Map<number, TrainSequence[]>();
  for (const sequence of sequences) {
    const { group = 0 } = sequence;
    const members = groups.get(group);
    if (members === undefined) groups.set(group, [sequence]);
    else members.push(sequence);
  }
  return [...groups.values()];
}
