import { z } from 'zod';
import { readFiles } from '../core/data/read-rows.js';
import { lacksToolsKwargs, type RlRow, rlFieldsOf, rlRowOf, rlTask } from '../core/data/rl-rows.js';
import { placeOf } from '../core/data/row.js';
import { dropOverlong, limitSamples, permutation } from '../core/data/select-rows.js';
import { ConfigError } from '../core/errors.js';
import { log } from '../core/log.js';
import { rngKey } from '../core/rng.js';
import type { Json, Task } from '../core/types.js';
import type { Tool } from '../tools/tool.js';
import { defineEnv } from './define-env.js';
import type { EnvDefinition, Environment, OpenContext, Split } from './environment.js';
import { scorerConfig, scorerOf } from './rewards/scorers.js';

const files = z.union([z.string().min(1), z.array(z.string().min(1))], {
  error: 'a path or a list of paths, patterns such as data/*.parquet among them',
});
const maxSamples = z.int().min(1).nullable().default(null);

const options = z.strictObject({
  trainFiles: files
    .default([])
    .describe('.parquet, .jsonl or .json files with verl’s columns to train on, relative to the working directory'),
  valFiles: files.default([]).describe('the same to evaluate on'),
  trainMaxSamples: maxSamples.describe('train on at most so many rows; null takes all'),
  valMaxSamples: maxSamples.describe('evaluate on rows out of at most so many; null takes all'),
  shuffle: z
    .boolean()
    .default(true)
    .describe('train in another order at each pass, and draw maxSamples at random instead of taking the first'),
  seed: z.int().min(0).max(0xffffffff).nullable().default(null).describe('names the orders; null takes the run’s'),
  maxPromptLength: z
    .int()
    .min(1)
    .nullable()
    .default(null)
    .describe('leave out rows whose prompt has more tokens, tools included; null keeps all'),
  scorer: scorerConfig.nullable().default(null).describe('how answers are judged; null goes by a row’s data_source'),
});

type Options = z.output<typeof options>;

/** Everything of a run's data files that tasks are made of. */
interface OpenedData {
  readonly rows: { readonly [name in Split]: readonly RlRow[] };
  readonly seed: number;
}

const played = defineEnv({
  name: 'dataset',
  description: 'Problems from files with verl’s columns, with the tools of the run.',
  options,
  task(): { data: Json } {
    throw new Error('tasks of "dataset" were asked for before its files were opened');
  },
  prompt: (task) => rlFieldsOf(task).prompt,
  rewards: {
    acc: {
      weight: 1,
      score({ task, answer, options }) {
        const { dataSource, groundTruth } = rlFieldsOf(task);
        return scorerOf(dataSource, options.scorer).score(answer, groundTruth);
      },
    },
  },
});

/**
 * Problems from data files: the prompt is the row's messages, a turn without a call is the final answer, and the scorer of the row's
 * data_source judges it. Train tasks go through the rows pass after pass, each in its own order; task `index` is always the same one.
 */
export const dataset: EnvDefinition = {
  ...played,
  create: createSelecting,
  async open(given, context, signal) {
    const parsed = options.parse(given);
    const opened = await openData(parsed, context, signal);
    return { ...dataset, task: (_options, split, index) => taskAt(opened, parsed, { split, index }) };
  },
};

async function openData(options: Options, context: OpenContext, signal: AbortSignal): Promise<OpenedData> {
  const { trainFiles, valFiles, trainMaxSamples, valMaxSamples, shuffle } = options;
  const seed = options.seed ?? context.seed;
  const sources = [
    { key: 'trainFiles', patterns: trainFiles, maxSamples: trainMaxSamples },
    { key: 'valFiles', patterns: valFiles, maxSamples: valMaxSamples },
  ];
  const [train = [], evaluation = []] = await Promise.all(
    sources.map(async ({ key, patterns, maxSamples }) => {
      if (patterns.length === 0) throw new ConfigError(`env.${key} names no file; write a path or a list of paths`);
      const rows = (await readFiles(patterns, signal)).map(rlRowOf);
      return check(key, limitSamples(rows, { maxSamples, shuffle, seed }), options, context);
    }),
  );
  return { rows: { train, eval: evaluation }, seed };
}

/** The rows that can be played; throws ConfigError for those that no scorer can judge or whose tools the run does not offer. */
function check(key: string, rows: readonly RlRow[], options: Options, context: OpenContext): readonly RlRow[] {
  for (const row of rows) {
    const problem = scorerOf(row.dataSource, options.scorer).problemOf(row.groundTruth);
    if (problem !== undefined) throw new ConfigError(`${placeOf(row)}: reward_model.ground_truth ${problem}`);
    selectTools(row, context.tools, placeOf(row));
  }
  const withoutKwargs = rows.filter(lacksToolsKwargs).length;
  if (withoutKwargs > 0) log('warn', 'tools_kwargs_missing', { files: `env.${key}`, rows: withoutKwargs });
  const kept = keepShort(key, rows, options, context);
  if (kept.length === 0) throw new ConfigError(`env.${key}: no row is left to play`);
  return kept;
}

function keepShort(
  key: string,
  rows: readonly RlRow[],
  { maxPromptLength }: Options,
  context: OpenContext,
): readonly RlRow[] {
  if (maxPromptLength === null) return rows;
  const countTokens = (row: RlRow): number =>
    context.countTokens(row.prompt, selectTools(row, context.tools, placeOf(row)));
  const { rows: kept, remark } = dropOverlong(rows, { maxPromptLength, countTokens });
  if (remark !== undefined) log('warn', 'rows_left_out', { files: `env.${key}`, sentence: remark });
  return kept;
}

function taskAt({ rows, seed }: OpenedData, { shuffle }: Options, at: { split: Split; index: number }): Task {
  const { split, index } = at;
  const count = rows[split].length;
  const epoch = Math.floor(index / count);
  if (split === 'eval' && epoch > 0) {
    throw new ConfigError(`env.valFiles has ${count} rows; write data.evalSize: ${count} or less`);
  }
  const place = index % count;
  const position = split === 'train' && shuffle ? orderOf(count, rngKey(seed, 'data', 'epoch', epoch))[place] : place;
  const row = rows[split][position ?? place];
  if (row === undefined) throw new Error(`row ${position} of ${count} is missing`);
  const task = rlTask(row, position ?? place);
  return epoch === 0 ? task : { ...task, id: `${task.id}-epoch-${epoch}` };
}

/** A permutation by its key, the last one kept: tasks are asked for one after the other. */
const orderOf = lastResult(permutation);

function lastResult(make: typeof permutation): typeof permutation {
  let last: { count: number; key: number; order: Uint32Array } | undefined;
  return (count, key) => {
    if (last?.count !== count || last.key !== key) last = { count, key, order: make(count, key) };
    return last.order;
  };
}

/** An environment that offers the tools its row selects, from reset on. */
function createSelecting(options: unknown, tools: readonly Tool[]): Environment {
  let env = played.create(options, tools);
  return {
    get tools() {
      return env.tools;
    },
    reset(task, context) {
      env = played.create(options, selectTools(rlFieldsOf(task), tools, task.id));
      return env.reset(task, context);
    },
    step: (action, context) => env.step(action, context),
    score: (episode, context) => env.score(episode, context),
    [Symbol.asyncDispose]: () => env[Symbol.asyncDispose](),
  };
}

function selectTools(
  { toolSelection }: Pick<RlRow, 'toolSelection'>,
  tools: readonly Tool[],
  place: string,
): readonly Tool[] {
  const unknown = toolSelection?.find((name) => !tools.some((tool) => tool.name === name));
  if (unknown !== undefined) {
    throw new ConfigError(`${place}: extra_info.tool_selection names "${unknown}"; add it to tools: of the run`);
  }
  return toolSelection === undefined ? tools : tools.filter(({ name }) => toolSelection.includes(name));
}
