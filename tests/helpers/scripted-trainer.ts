import type { ExperienceParts } from '../../core/experience/make-experience.js';
import type { InferColumn, InferOptions, TrainSequence, UpdateOptions } from '../../core/types.js';

export type ScriptedColumns = { readonly [Column in InferColumn]?: (t: number, sequence: number) => number };

/** A trainer that says what it is told to say of sampled tokens, and writes down what it was asked. */
export class ScriptedTrainer {
  /** Columns asked for, or 'update' and the model. */
  readonly events: string[] = [];
  readonly updates: { sequences: readonly TrainSequence[]; options: UpdateOptions }[] = [];
  readonly #columns: ScriptedColumns;

  constructor(columns: ScriptedColumns) {
    this.#columns = columns;
  }

  readonly infer: ExperienceParts['trainer']['infer'] = async (sequences, { columns }: InferOptions) => {
    this.events.push(columns.join(' '));
    const rows = (column: InferColumn): number[][] => {
      const say = this.#columns[column];
      if (say === undefined) throw new Error(`asked for ${column}`);
      return sequences.map(({ mask }, s) => mask.map((bit, t) => (bit === 1 ? say(t, s) : 0)));
    };
    return Object.fromEntries(columns.map((column) => [column, rows(column)]));
  };

  readonly update: ExperienceParts['trainer']['update'] = async (sequences, options) => {
    this.events.push(`update ${options.model}`);
    this.updates.push({ sequences, options });
    return { 'prm/ce_loss': 0.5 };
  };
}
