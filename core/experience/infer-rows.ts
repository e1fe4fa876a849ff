import type { Stopwatch } from '../stopwatch.js';
import type { InferColumn, InferOptions, InferredColumns, Trainer } from '../types.js';
import type { ExperienceRow } from './rows.js';

/** What a step wants to know of its rows before advantages, besides what the engine said. */
export interface Inference {
  /** Old log-probs from the trainer instead of the engine's. */
  readonly oldLogprobs: boolean;
  readonly sumPiSquared: boolean;
  readonly refLogprobs: boolean;
  readonly values: boolean;
}

/** The rows with what the trainer's models say of them, each kind timed by verl's name. */
export async function inferRows(
  rows: readonly ExperienceRow[],
  inference: Inference,
  {
    trainer,
    options,
    time,
  }: { trainer: Pick<Trainer, 'infer'>; options: Omit<InferOptions, 'columns'>; time: Stopwatch },
  signal: AbortSignal,
): Promise<ExperienceRow[]> {
  const ask = async (name: string, columns: readonly InferColumn[]): Promise<InferredColumns> => {
    if (columns.length === 0 || rows.length === 0) return {};
    const sequences = rows.map(({ sequence, mask }) => ({ tokens: sequence.tokens, mask }));
    return time.measure(name, () => trainer.infer(sequences, { ...options, columns }, signal));
  };
  const own = await ask('old_log_prob', [
    ...(inference.oldLogprobs ? (['logprobs'] as const) : []),
    ...(inference.sumPiSquared ? (['sumPiSquared'] as const) : []),
  ]);
  const reference = await ask('ref', inference.refLogprobs ? ['refLogprobs'] : []);
  const critic = await ask('values', inference.values ? ['values'] : []);
  return rows.map((row, i) => {
    const [old, sum] = [own.logprobs?.[i], own.sumPiSquared?.[i]];
    const [ref, values] = [reference.refLogprobs?.[i], critic.values?.[i]];
    return {
      ...row,
      ...(old && { oldLogprobs: old }),
      ...(sum && { sumPiSquared: sum }),
      ...(ref && { refLogprobs: ref }),
      ...(values && { values }),
    };
  });
}
